"""What the menu entries do, inside KLayout; `cpo klayout install` writes it into two macros.

Nothing of cpo is imported here: KLayout has a Python of its own. `cpo check` runs as a process, as in a terminal.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from typing import Any

import pya as _pya

pya: Any = _pya

#: the interpreter that cpo is installed for
PYTHON = ""
#: key of KLayout's configuration that remembers the last marker file
LAST = "cpo-last-markers"
#: folders of checks in the folder for temporary files
PREFIX = "cpo-check-"
#: how long a check may take, s
TIME_LIMIT = 1800.0


def check_this_layout() -> None:
    """Run `cpo check` on the layout that is shown and open its markers."""
    view = pya.LayoutView.current()
    if view is None or not view.active_cellview().is_valid():
        tell("Open a layout first.")
        return
    folder = tempfile.mkdtemp(prefix=PREFIX)
    layout = _file_of(view.active_cellview(), folder)
    markers = os.path.join(folder, "cpo check.lyrdb")
    code, text = _run(["check", layout, "--report", markers], folder)
    if code not in (0, 1) or not os.path.exists(markers):
        shutil.rmtree(folder, ignore_errors=True)
        tell("cpo check could not be done.\n\n" + text)
        return
    _forget(str(pya.Application.instance().get_config(LAST) or ""))
    pya.Application.instance().set_config(LAST, markers)
    _show(view, markers)
    tell(text.splitlines()[0] if text else "clean")


def open_last_markers() -> None:
    """Open the markers of the last check again."""
    view = pya.LayoutView.current()
    markers = pya.Application.instance().get_config(LAST)
    if view is None:
        tell("Open the layout first.")
    elif not markers or not os.path.exists(markers):
        tell("There are no markers of an earlier check; run 'cpo check this layout'.")
    else:
        _show(view, markers)


def _forget(markers: str) -> None:
    """Remove the folder of an earlier check, if it is one."""
    folder = os.path.dirname(markers)
    ours = os.path.dirname(folder) == tempfile.gettempdir() and os.path.basename(folder).startswith(PREFIX)
    if ours and os.path.isdir(folder) and not os.path.islink(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _file_of(shown: Any, folder: str) -> str:
    """The file of a layout; a copy of what is shown where that was edited, or has no file."""
    if shown.filename() and os.path.isfile(shown.filename()) and not shown.is_dirty():
        return str(shown.filename())
    copy = os.path.join(folder, (os.path.splitext(os.path.basename(shown.name()))[0] or "layout") + ".gds")
    options = pya.SaveLayoutOptions()
    options.format = "GDS2"
    options.write_context_info = True
    shown.layout().write(copy, options)
    return copy


def _run(arguments: list[str], folder: str) -> tuple[int, str]:
    """Exit code and words of a cpo command; KLayout stays awake meanwhile."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [PYTHON, "-P", "-m", "cpo_pdk", *arguments]
    said = os.path.join(folder, "said.txt")
    try:
        with open(said, "w+", encoding="utf-8", errors="replace") as output:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT)
            until = time.monotonic() + TIME_LIMIT
            while process.poll() is None:
                pya.Application.instance().process_events()
                time.sleep(0.05)
                if time.monotonic() > until:
                    process.kill()
                    process.wait()
                    return 2, f"It did not end within {TIME_LIMIT:g} s."
            output.seek(0)
            return process.returncode, _last_words(output.read(), process.returncode)
    except OSError as error:
        return 2, f"{PYTHON}: {error.strerror}. Run 'cpo klayout install' again."


def _last_words(text: str, code: int) -> str:
    """The verdict, or what went wrong; not how long each stage took."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("  ")]
    if code in (0, 1):
        return "\n".join(lines)
    return "\n".join([line for line in lines if line.startswith("cpo:")] or lines[-3:])


def _show(view: Any, markers: str) -> None:
    """Open a marker file in the marker browser."""
    database = view.rdb(view.create_rdb("cpo check"))
    database.load(markers)
    index = view.num_rdbs() - 1
    view.show_rdb(index, view.active_cellview().index())


def tell(text: str) -> None:
    """Say it in a box; on the terminal where nobody could close one."""
    if pya.Application.instance().main_window() is None or os.environ.get("QT_QPA_PLATFORM") == "offscreen":
        print("cpo: " + text)
    else:
        pya.MessageBox.info("cpo", text, pya.MessageBox.Ok)
