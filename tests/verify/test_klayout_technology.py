"""The technology in KLayout: what install puts there, what uninstall takes out, and that KLayout finds and runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import klayout.db as kdb
import pytest

from cpo_pdk.cli.app import run
from cpo_pdk.errors import InputError, OutputError
from cpo_pdk.tech.layers import LAYERS
from cpo_pdk.tech.rules import KINDS, Rule, load_rules, parse_rules
from cpo_pdk.verify.klayout_deck import installing
from cpo_pdk.verify.klayout_deck.deck import CALLS, deck, expressed, not_expressed
from cpo_pdk.verify.klayout_deck.installing import LIST, install, klayout_folder, state, uninstall
from cpo_pdk.verify.klayout_deck.rule_table import markdown, rule_rows
from cpo_pdk.verify.klayout_deck.technology import technology_files

PAGE = Path(__file__).parents[2] / "docs" / "rules.md"
FILES = {
    "tech/cpo/cpo.lyt",
    "tech/cpo/cpo.lyp",
    "tech/cpo/drc/cpo.lydrc",
    "pymacros/cpo_check.lym",
    "pymacros/cpo_markers.lym",
}
needs_klayout = pytest.mark.skipif(
    not os.environ.get("CPO_NEED_KLAYOUT") and shutil.which("klayout") is None,
    reason="the KLayout program is not installed (Debian: klayout)",
)


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A KLayout folder that is in use: with another technology, a macro and settings."""
    home = tmp_path / "klayout"
    for name in ("tech/other/other.lyt", "pymacros/mine.lym", "klayoutrc"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(f"{name} of somebody else")
    return home


def test_install_and_uninstall_leave_the_folder_as_it_was(home: Path) -> None:
    before = tree(home)
    done = install(home)
    assert set(done.written) == FILES
    assert set(tree(home)) == {*before, *FILES, LIST}
    assert {name: data for name, data in tree(home).items() if name in before} == before
    assert set(uninstall(home).removed) == FILES
    assert tree(home) == before
    assert {p.name for p in home.iterdir()} == {"tech", "pymacros", "klayoutrc"}


def test_a_folder_that_was_made_is_removed_again(tmp_path: Path) -> None:
    install(tmp_path / "new" / "klayout")
    uninstall(tmp_path / "new" / "klayout")
    assert list(tmp_path.rglob("*")) == [tmp_path / "new"]


def test_installing_twice_changes_nothing(home: Path) -> None:
    install(home)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in home.rglob("*") if p.is_file()}
    again = install(home)
    assert (again.written, set(again.unchanged)) == ((), FILES)
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in home.rglob("*") if p.is_file()} == before


def test_dry_run_writes_nothing(home: Path) -> None:
    before = tree(home)
    assert set(install(home, dry_run=True).written) == FILES
    assert tree(home) == before
    install(home)
    before = tree(home)
    assert set(uninstall(home, dry_run=True).removed) == FILES
    assert tree(home) == before


def test_a_newer_version_replaces_what_is_ours_and_removes_what_is_gone(home: Path) -> None:
    old = {**technology_files(), "tech/cpo/old.txt": "of an older version", "tech/cpo/cpo.lyp": "older colours"}
    install(home, files=old)
    done = install(home)
    assert done.written == ("tech/cpo/cpo.lyp",)
    assert done.removed == ("tech/cpo/old.txt",)
    assert set(tree(home)) >= FILES
    assert not (home / "tech/cpo/old.txt").exists()


def test_a_file_that_was_changed_is_not_overwritten_and_not_removed(home: Path) -> None:
    install(home)
    (home / "tech/cpo/cpo.lyp").write_text("my colours")
    assert state(home).changed == ("tech/cpo/cpo.lyp",)
    with pytest.raises(OutputError, match=r"cpo.lyp: was changed, and is not overwritten; move it away"):
        install(home)
    gone = uninstall(home)
    assert gone.left == ("tech/cpo/cpo.lyp",)
    assert (home / "tech/cpo/cpo.lyp").read_text() == "my colours"
    assert not (home / "tech/cpo/cpo.lyt").exists()


def test_a_technology_of_that_name_from_elsewhere_is_not_overwritten(home: Path) -> None:
    (home / "tech/cpo").mkdir()
    (home / "tech/cpo/cpo.lyt").write_text("<technology><name>cpo</name></technology>")
    before = tree(home)
    with pytest.raises(OutputError, match=r"cpo.lyt: is not from cpo, and is not overwritten"):
        install(home)
    assert tree(home) == before


def test_a_file_that_is_missing_is_put_back(home: Path) -> None:
    install(home)
    (home / "pymacros/cpo_check.lym").unlink()
    assert state(home).missing == ("pymacros/cpo_check.lym",)
    assert install(home).written == ("pymacros/cpo_check.lym",)
    assert state(home).missing == ()


@pytest.mark.parametrize("name", ["", "tech", "tech/cpo", "tech/cpo/drc", "pymacros", "tech/cpo/cpo.lyp", LIST])
def test_nothing_is_written_or_removed_through_a_link(name: str, tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "klayout", tmp_path / "elsewhere"
    install(home)
    (home / name).rename(elsewhere)
    (home / name).symlink_to(elsewhere)
    before = tree(tmp_path)
    for action in (install, uninstall, state):
        with pytest.raises(OutputError, match="is a symbolic link, and nothing is written through one"):
            action(home)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_what_fails_half_way_leaves_nothing_half_done(number: int, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list, two files, the list again: each of them can meet a full disk."""
    install(home, files={**technology_files(), "tech/cpo/cpo.lyp": "older", "tech/cpo/cpo.lyt": "older"})
    before, replace, calls = tree(home), os.replace, []

    def fails(source: str, target: str) -> None:
        calls.append(target)
        if len(calls) == number:
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", fails)
        with pytest.raises(OutputError, match="No space left"):
            install(home)
    assert tree(home) == before
    assert install(home).written == ("tech/cpo/cpo.lyp", "tech/cpo/cpo.lyt")


def test_a_first_install_that_fails_leaves_no_trace(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, replace = {p: p.is_dir() for p in home.rglob("*")}, os.replace

    def fails(source: str, target: str) -> None:
        if str(target).endswith("cpo.lyt"):
            raise OSError(28, "No space left on device", str(target))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(OutputError, match="No space left"):
        install(home)
    assert {p: p.is_dir() for p in home.rglob("*")} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    (tmp_path / "klayout").mkdir(mode=0o500)
    with pytest.raises(OutputError, match="can't be made"):
        install(tmp_path / "klayout")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "is no list of what cpo installed"),
        ("[]", "is no list of what cpo installed"),
        ('{"format": "cpo klayout 9"}', "is no list of what cpo installed"),
        (json.dumps({"format": "cpo klayout 1", "technology": "sky"}), "technology 'sky'"),
        ("../../victim", r"leads out of the folder"),
        ("/etc/passwd", r"leads out of the folder"),
        ("tech/cpo/../../victim", r"leads out of the folder"),
        ("tech/other/other.lyt", r"is none of cpo's files"),
        ("klayoutrc", r"is none of cpo's files"),
    ],
)
def test_a_list_that_cpo_did_not_write_removes_nothing(text: str, fault: str, home: Path) -> None:
    install(home)
    victim = home.parent / "victim"
    victim.write_text("keep")
    if not text.startswith(("{", "[")):
        document = json.loads((home / LIST).read_text())
        document["files"] = {text: [installing._hash(b"keep")]}
        text = json.dumps(document)
    (home / LIST).write_text(text)
    before = tree(home.parent)
    for action in (install, uninstall, state):
        with pytest.raises(InputError, match=fault) as caught:
            action(home)
        assert "\n" not in str(caught.value)
    assert tree(home.parent) == before


def test_commands(home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLAYOUT_HOME", str(home))
    assert klayout_folder() == home
    assert run(["klayout", "path"]) == 0
    out, err = capfd.readouterr()
    assert out == f"{home}\n"
    assert "cpo is not installed there" in err
    assert run(["klayout", "install", "--json"]) == 0
    assert set(json.loads(capfd.readouterr().out)["written"]) == FILES
    assert run(["klayout", "path", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["installed"]
    assert run(["klayout", "install", "--uninstall", "--json"]) == 0
    assert set(json.loads(capfd.readouterr().out)["removed"]) == FILES
    assert run(["klayout", "uninstall"]) == 2
    assert "cpo is not installed there" in capfd.readouterr().err


def test_a_folder_that_is_a_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for command in ("install", "uninstall", "path"):
        for folder in (tmp_path / "file", tmp_path / "file" / "below"):
            assert run(["klayout", command, "--folder", str(folder)]) == 2
            err = capfd.readouterr().err
            assert err.count("\n") == 1
            assert "file" in err


def test_deck_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["klayout", "deck"]) == 0
    assert capfd.readouterr().out == deck()
    assert run(["klayout", "deck", "--out", str(tmp_path / "cpo.lydrc")]) == 0
    assert (tmp_path / "cpo.lydrc").read_text() == deck()
    assert "more only in cpo check" in capfd.readouterr().out


# -- what is in the files


def test_every_design_rule_is_in_the_deck_and_the_others_are_named() -> None:
    text = deck()
    assert {rule.kind for rule in load_rules(group="drc")} <= set(CALLS)
    assert {kind for kind, entry in KINDS.items() if entry.group == "drc"} == set(CALLS)
    script = ET.fromstring(text).findtext("text") or ""
    for rule in expressed(load_rules()):
        assert f'checks.rule("{rule.name}", ' in script
    head = script.partition("raise ")[0]
    for rule in not_expressed(load_rules()):
        assert f"#   {rule.name}: " in head


def test_a_rule_can_not_leave_its_comment_or_its_string() -> None:
    hostile = Rule('A"; exit; "#{exit}', "width", ("WG",), 1.0, 'line\nexit; <b> & ]]> "')
    script = ET.fromstring(deck([hostile])).findtext("text") or ""
    assert '"A\\"; exit; \\"\\#{exit}"' in script
    assert "# line exit; <b> & ]]> " in script
    assert not any(line.startswith("exit") for line in script.splitlines())


def test_a_deck_without_rules_is_refused() -> None:
    with pytest.raises(InputError, match="none of the rules can be written for KLayout's DRC"):
        deck([rule for rule in load_rules() if rule.group != "drc"])


def test_the_technology_can_be_read(tmp_path: Path) -> None:
    install(tmp_path / "klayout")
    technology = kdb.Technology()
    technology.load(str(tmp_path / "klayout/tech/cpo/cpo.lyt"))
    assert technology.name == "cpo"
    assert technology.dbu == 0.001
    assert technology.layer_properties_file == "cpo.lyp"
    traced = technology.component("connectivity")
    (stack,) = traced.each()
    symbols = {symbol.symbol(): symbol.expression() for symbol in stack.each_symbol()}
    assert symbols["M1"] == "{}/{}".format(*LAYERS["M1"][:2])
    assert {(c.layer_a(), c.via_layer(), c.layer_b()) for c in stack.each_connection()} >= {("M1", "VIA1", "M2")}


def test_no_file_names_this_machine_but_the_interpreter() -> None:
    files = technology_files(python="/somewhere/python")
    here = str(Path(installing.__file__).parents[3])
    assert not [name for name, text in files.items() if here in text or str(Path.home()) + "/" in text]
    assert [name for name, text in files.items() if "/somewhere/python" in text] == [
        "pymacros/cpo_check.lym",
        "pymacros/cpo_markers.lym",
    ]


def test_the_macros_are_sound_python_for_any_interpreter_path() -> None:
    python = 'C:\\it\'s "here" <&>\\python.exe'
    for name, text in technology_files(python).items():
        if name.endswith(".lym"):
            code = ET.fromstring(text).findtext("text") or ""
            names: dict = {}
            exec(compile(next(x for x in code.splitlines() if x.startswith("PYTHON =")), name, "exec"), names)
            assert names["PYTHON"] == python
            compile(code, name, "exec")


# -- the table of rules


def test_the_page_of_the_rules_is_what_the_rules_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(rule_rows()), "write it anew: cpo rules --out docs/rules.md"


def test_rows_of_the_rules(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["rules", "--json"]) == 0
    rows = json.loads(capfd.readouterr().out)["rules"]
    assert [row["name"] for row in rows] == [rule.name for rule in load_rules()]
    assert all(row["source"] and row["kind"] in KINDS for row in rows)
    width = next(row for row in rows if row["name"] == "WG.W")
    assert (width["value"], width["limit"], width["layers"], width["deck"]) == (0.12, "0.12 um", ["WG"], True)
    assert run(["rules"]) == 0
    assert f"{len(rows)} rules" in capfd.readouterr().out


def test_a_bar_in_a_source_does_not_break_the_table() -> None:
    rules = parse_rules('rules: [{name: A.W, kind: width, layer: WG, value: 1, choice: true, source: "a | b * c"}]')
    assert markdown(rule_rows(rules)).splitlines()[-1] == "| `A.W` | width | WG | 1 um | check, deck | *a / b \\* c* |"


# -- in KLayout itself


def in_klayout(home: Path, script: Path, *arguments: str, **variables: str) -> str:
    environment = {**os.environ, "KLAYOUT_HOME": str(home), "QT_QPA_PLATFORM": "offscreen", **variables}
    command = ["klayout", *arguments, "-r", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_klayout
def test_klayout_finds_the_technology(tmp_path: Path) -> None:
    home = tmp_path / "klayout"
    install(home)
    script = tmp_path / "look.rb"
    script.write_text(
        "puts RBA::Technology::technology_names.join(' ')\n"
        "tech = RBA::Technology::technology_by_name('cpo')\n"
        "puts tech.dbu, tech.eff_layer_properties_file\n"
    )
    names, dbu, colours = in_klayout(home, script, "-b").splitlines()
    assert "cpo" in names.split()
    assert float(dbu) == 0.001
    assert colours == str(home / "tech/cpo/cpo.lyp")
    script.write_text(
        "view = RBA::LayoutView::current\nputs view.active_cellview.technology\n"
        "view.each_layer { |layer| puts layer.name }\n"
        "for name in %w(pymacros/cpo_check.lym pymacros/cpo_markers.lym tech/cpo/drc/cpo.lydrc) do\n"
        "  macro = RBA::Macro::macro_by_path(ENV['KLAYOUT_HOME'] + '/' + name)\n"
        "  puts [macro.show_in_menu?, macro.menu_path, macro.description].join(' ')\n"
        "end\n"
    )
    layout = kdb.Layout()
    layout.create_cell("top").shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 1000, 1000))
    layout.write(str(tmp_path / "x.gds"))
    said = in_klayout(home, script, "-z", "-n", "cpo", str(tmp_path / "x.gds"))
    assert said.startswith("cpo\n")
    assert "WG 1/0 - full-height silicon core" in said
    assert said.splitlines()[-3:] == [
        "true tools_menu.end cpo check this layout",
        "true tools_menu.end cpo: open the last markers",
        "true tools_menu.drc.end cpo design rules",
    ]


@needs_klayout
def test_the_menu_entries_run_cpo_and_open_its_markers(tmp_path: Path) -> None:
    home = tmp_path / "klayout"
    install(home)
    layout = kdb.Layout()
    layout.create_cell("top").shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 10000, 100))
    layout.write(str(tmp_path / "narrow.gds"))
    script = tmp_path / "run.rb"
    script.write_text(
        "for name in %w(cpo_check cpo_markers) do\n"
        "  RBA::Macro::new(ENV['KLAYOUT_HOME'] + '/pymacros/' + name + '.lym').run\n"
        "  view = RBA::LayoutView::current\n"
        '  puts "markers #{view.rdb(view.num_rdbs - 1).num_items}"\n'
        "end\n"
    )
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    said = in_klayout(home, script, "-z", "-n", "cpo", str(tmp_path / "narrow.gds"), TMPDIR=str(temporary))
    counts = [int(line.split()[1]) for line in said.splitlines() if line.startswith("markers")]
    assert len(counts) == 2
    assert counts[0] == counts[1] > 0
    assert said.startswith("cpo: ")
    assert len(list(temporary.glob("cpo-check-*"))) == 1


@needs_klayout
def test_a_menu_entry_whose_cpo_is_gone_says_so(tmp_path: Path) -> None:
    home = tmp_path / "klayout"
    install(home, files=technology_files(python=str(tmp_path / "gone" / "python")))
    layout = kdb.Layout()
    layout.create_cell("top").shapes(layout.layer(1, 0)).insert(kdb.Box(0, 0, 10000, 100))
    layout.write(str(tmp_path / "x.gds"))
    script = tmp_path / "run.rb"
    script.write_text("RBA::Macro::new(ENV['KLAYOUT_HOME'] + '/pymacros/cpo_check.lym').run\n")
    said = in_klayout(home, script, "-z", str(tmp_path / "x.gds"))
    assert "Run 'cpo klayout install' again" in said
