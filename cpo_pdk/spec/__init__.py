"""Specs and sheets: reading, validating, and an error for every fault with file, line and cure."""

from cpo_pdk.spec.closure import closure_problems
from cpo_pdk.spec.loading import (
    check_devices,
    data_folder,
    find_spec,
    list_sheets,
    list_specs,
    load_sheets,
    load_spec,
    parse_spec,
)
from cpo_pdk.spec.name_rules import check_name
from cpo_pdk.spec.package import PackageSpec
from cpo_pdk.spec.sheet import Parameter, Sheet, check_sheets, load_sheet_file, parse_sheet

__all__ = [
    "PackageSpec",
    "Parameter",
    "Sheet",
    "check_devices",
    "check_name",
    "check_sheets",
    "closure_problems",
    "data_folder",
    "find_spec",
    "list_sheets",
    "list_specs",
    "load_sheet_file",
    "load_sheets",
    "load_spec",
    "parse_sheet",
    "parse_spec",
]
