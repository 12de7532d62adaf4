"""The base of every part of a spec, and the names that may become files and cells."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from cpo_pdk.spec.name_rules import name_fault


def safe_name(name: str) -> str:
    """Validator: a name that may become a file or cell name."""
    fault = name_fault(name)
    if fault:
        raise PydanticCustomError("name", "{fault}", {"fault": fault})
    return name


Name = Annotated[str, Field(strict=True), AfterValidator(safe_name)]


class SpecModel(BaseModel):
    """Base of all parts of a spec: frozen, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")
