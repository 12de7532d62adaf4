"""Parameters of devices read off their polygons again, and held against what the cells say of themselves."""

from cpo_pdk.verify.lvs.measure.arguments import ARGUMENTS, NOT_MEASURED
from cpo_pdk.verify.lvs.measure.cells import MEASURES, Measured, Measurer, measure
from cpo_pdk.verify.lvs.measure.comparing import Compared, Reading, compare_with_record, measured_cells, measured_layout

__all__ = [
    "ARGUMENTS",
    "MEASURES",
    "NOT_MEASURED",
    "Compared",
    "Measured",
    "Measurer",
    "Reading",
    "compare_with_record",
    "measure",
    "measured_cells",
    "measured_layout",
]
