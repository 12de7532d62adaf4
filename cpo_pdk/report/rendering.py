"""Pages that need nothing else: a template, its styles and scripts inside, a content policy that allows just these."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from cpo_pdk.report.viewer import embedded_json


def render(
    template: str,
    values: Mapping[str, Any],
    *,
    styles: Sequence[str] = (),
    scripts: Sequence[str] = (),
    data: object = None,
    includes: Sequence[str] = (),
    filters: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """One page.

    Args:
        template: its name among the templates of this room; it extends `standalone.html`.
        values: names in the template; all texts are escaped.
        styles, scripts: names of templates, in order, that are put into the page as they are.
        data: what the scripts read (`#data`), None where they need nothing.
        includes: other templates that this one includes.
        filters: of the template.
    """
    names = (*("standalone.html", template, "page.css"), *styles, *scripts, *includes)
    texts = {name: (files("cpo_pdk.report") / "templates" / name).read_text("utf-8") for name in names}
    environment = Environment(
        loader=DictLoader(texts), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(filters)
    inside = [texts[name] for name in scripts]
    return environment.get_template(template).render(
        **values,
        css=Markup(texts["page.css"] + "".join(texts[name] for name in styles)),
        scripts=[Markup(script) for script in inside],
        script_hashes=["sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in inside],
        data=None if data is None else Markup(embedded_json(data)),
    )


def inline_png(png: bytes) -> str:
    """The address of a picture that stands in the page itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def micro(text: str) -> str:
    """A text whose `um` are written as people do."""
    return re.sub(r"\bum\b", "µm", text)
