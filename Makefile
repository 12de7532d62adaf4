# make demo | test | lint | setup | lock | clean      (each sets up what it needs)
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.setup-done
SPEC ?= assemblies/switch_51t2.yaml
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input

# An environment of the caller's must not leak into ours.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

.PHONY: help setup demo test lint pictures lock clean
help:
	@echo "make demo    sets up, builds and simulates $(SPEC), writes the report into gds_out/"
	@echo "make test    sets up, runs the tests"
	@echo "make lint    ruff, pyright, import contract"
	@echo "make setup   the environment alone, in $(VENV)"
	@echo "make clean   removes $(VENV) and what was built"

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml .ci/find-python
	@set -euo pipefail; \
	if ! $(BIN)/python -c 'import pip' >/dev/null 2>&1; then \
	  python=$$(bash .ci/find-python); \
	  echo "== environment $(VENV) from $$python"; \
	  "$$python" -m venv --clear $(VENV); \
	fi; \
	echo "== installing the versions of requirements.lock (600 MB, once)"; \
	$(PIP) install --quiet -r requirements.lock; \
	$(PIP) install --quiet --no-deps --no-build-isolation -e .; \
	$(BIN)/python -m compileall -q cpo_pdk; \
	touch $@; \
	echo "== ready: $(BIN)/cpo --help"

demo: setup
	@echo "== cpo build $(SPEC)"
	@$(BIN)/cpo build $(SPEC)

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -q

lint: setup
	$(BIN)/ruff check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# the pictures of README.md, from packages that were built and from the gallery of the devices
pictures: demo
	$(BIN)/cpo build switch_102t4
	cp gds_out/switch_51t2/spectra.png docs/pictures/
	$(BIN)/python -c "from PIL import Image; \
	  open_ = lambda name: Image.open(f'gds_out/{name}/package.png').convert('RGB'); \
	  small = lambda i: i.resize((1800, 1800 * i.height // i.width), 1).quantize(128); \
	  small(open_('switch_51t2')).save('docs/pictures/package.png', optimize=True); \
	  [Image.open(f'gds_out/switch_51t2/{n}.png').convert('RGB').quantize(128).save(f'docs/pictures/{n}.png', optimize=True) \
	   for n in ('margin', 'temperature', 'energy')]; \
	  small(open_('switch_102t4')).save('docs/pictures/switch_102t4.png', optimize=True)"
	$(BIN)/cpo yield switch_51t2 --workers 2
	$(BIN)/python -c "from PIL import Image; \
	  [Image.open(f'gds_out/switch_51t2_yield/{n}.png').convert('RGB').quantize(128).save(f'docs/pictures/{to}.png', optimize=True) \
	   for n, to in (('killers', 'yield_killers'), ('wafer', 'yield_wafer'))]"
	$(BIN)/cpo cells --gallery --out gds_out/cells
	cp gds_out/cells/gallery.png docs/pictures/gallery.png

# names and versions only: no addresses, no hashes
lock: setup
	{ head -1 requirements.lock; $(PIP) freeze --exclude-editable | LC_ALL=C sort -f; } > requirements.lock.new
	mv requirements.lock.new requirements.lock

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find gds_out -mindepth 1 ! -name .gitkeep -delete
