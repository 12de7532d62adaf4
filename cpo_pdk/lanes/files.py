"""The files of a lane map: CSV, JSON and Parquet of the lanes, CSV of the fibres, banks, devices."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cpo_pdk.lanes.banks import banks_json
from cpo_pdk.lanes.rows import LaneMap
from cpo_pdk.lanes.switch_software import optical_devices
from cpo_pdk.lanes.tables import FIBRE_COLUMNS, FORMAT, LANE_COLUMNS, Column, lane_json_text, table_csv
from cpo_pdk.output import write_bytes, write_json, write_text

#: what a build or `--out` writes: lanes in three forms, fibres, banks, devices
LANE_CSV, LANE_JSON, LANE_PARQUET = "lane_map.csv", "lane_map.json", "lane_map.parquet"
FIBRE_CSV, BANKS_JSON, DEVICES_JSON = "fibre_map.csv", "banks.json", "optical_devices.json"
FILES = (LANE_CSV, LANE_JSON, LANE_PARQUET, FIBRE_CSV, BANKS_JSON, DEVICES_JSON)


def table_parquet(rows: Sequence[object], columns: Sequence[Column], package: str) -> bytes:
    """The rows as a Parquet file: texts as dictionaries, whole numbers as int32, the rest as float64.

    Args:
        rows: objects with an attribute a column.
        columns: of the table.
        package: kept in the file's metadata.
    """
    arrays, schema_fields = [], []
    for column in columns:
        values = [getattr(row, column.name) for row in rows]
        if column.digits is not None:
            kind: Any = pa.float64()
            values = [round(value, column.digits) + 0.0 for value in values]
        else:
            kind = pa.int32() if values and isinstance(values[0], int) else pa.dictionary(pa.int32(), pa.string())
        arrays.append(pa.array(values, kind))
        schema_fields.append(pa.field(column.name, kind, metadata={"says": column.says}))
    metadata = {"format": FORMAT, "package": package}
    table = pa.Table.from_arrays(arrays, schema=pa.schema(schema_fields, metadata=metadata))
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def write_lane_files(lane_map: LaneMap, folder: Path) -> tuple[Path, ...]:
    """Write all tables of a package into a folder that is there.

    Args:
        lane_map: of the package.
        folder: gets the files named in `FILES`.

    Raises:
        OutputError: it can't be written.
    """
    made: dict[str, Callable[[Path], Path]] = {
        LANE_CSV: lambda path: write_text(path, table_csv(lane_map.lanes, LANE_COLUMNS)),
        LANE_JSON: lambda path: write_text(path, lane_json_text(lane_map)),
        LANE_PARQUET: lambda path: write_bytes(path, table_parquet(lane_map.lanes, LANE_COLUMNS, lane_map.package)),
        FIBRE_CSV: lambda path: write_text(path, table_csv(lane_map.fibres, FIBRE_COLUMNS)),
        BANKS_JSON: lambda path: write_json(path, banks_json(lane_map)),
        DEVICES_JSON: lambda path: write_json(path, optical_devices(lane_map)),
    }
    return tuple(made[name](folder / name) for name in FILES)
