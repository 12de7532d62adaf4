"""Spectra through every format and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cpo_pdk.circuit.exchange import spectrum_files
from cpo_pdk.circuit.exchange.spectrum_files import C_UM_HZ, SpectrumTable, read_table, table_of, write_table
from cpo_pdk.circuit.sparameter_files import read_sparameters
from cpo_pdk.errors import InputError, OutputError

ENDINGS = {"touchstone": ".s3p", "netcdf": ".nc", "parquet": ".parquet", "csv": ".csv"}


@pytest.fixture
def circulator() -> SpectrumTable:
    """Three ports, light goes round one way only; every element another number."""
    wl = np.linspace(1.26, 1.36, 41)
    matrix = {
        (f"o{a}", f"o{b}"): (0.9 if (b - a) % 3 == 1 else 0.01 * (a + 3 * b) / 12)
        * np.exp(2j * np.pi * 2.4 * (a + b) / wl)
        for a in (1, 2, 3)
        for b in (1, 2, 3)
    }
    matrix["o1", "pd:i1"] = np.full(wl.size, 0.1 + 0j)
    return table_of(wl, matrix, ("o1", "o2", "o3"), ("pd:i1",), ("a note",))


@pytest.mark.parametrize("format", spectrum_files.FORMATS)
def test_a_non_reciprocal_device_comes_back(circulator: SpectrumTable, tmp_path: Path, format: str) -> None:
    path = write_table(circulator, tmp_path / f"c{ENDINGS[format]}", format)  # type: ignore[arg-type]
    raw = read_sparameters(path)
    back = np.conj(raw.S) if raw.time == "exp(+jwt)" else raw.S
    assert np.allclose(raw.f_Hz, circulator.f_Hz, rtol=1e-15)
    assert np.allclose(back, circulator.S, rtol=0, atol=1e-14)
    assert not np.allclose(back, back.transpose(0, 2, 1), atol=0.1)
    if format == "touchstone":
        text = path.read_text(encoding="ascii")
        assert "Port[2] = o2" in text and "detectors are not in this file: pd:i1" in text and "a note" in text
    else:
        assert raw.ports == circulator.ports
        table = read_table(path)
        assert table.detectors == ("pd:i1",) and np.allclose(table.D, circulator.D, atol=1e-15)


@pytest.mark.parametrize("format", spectrum_files.FORMATS)
def test_the_same_spectrum_gives_the_same_bytes(circulator: SpectrumTable, tmp_path: Path, format: str) -> None:
    one = write_table(circulator, tmp_path / f"a{ENDINGS[format]}", format)  # type: ignore[arg-type]
    first = one.read_bytes()
    assert write_table(circulator, one, format).read_bytes() == first  # type: ignore[arg-type]


def test_a_delay_has_the_sign_of_the_convention(tmp_path: Path) -> None:
    f = np.linspace(C_UM_HZ / 1.32, C_UM_HZ / 1.30, 201)
    line = np.zeros((f.size, 2, 2), np.complex128)
    line[:, 1, 0] = line[:, 0, 1] = np.exp(2j * np.pi * f * 1e-12)
    path = write_table(SpectrumTable(f, ("in", "out"), line), tmp_path / "line.s2p", "touchstone")
    phase = np.unwrap(np.angle(read_sparameters(path).S[:, 1, 0]))
    assert np.all(np.diff(phase) < 0)  # exp(+jwt): a delay turns backwards


def test_what_can_not_be_written_says_so(circulator: SpectrumTable, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ends in \.s3p"):
        write_table(circulator, tmp_path / "c.s2p", "touchstone")
    with pytest.raises(InputError, match="one of touchstone"):
        write_table(circulator, tmp_path / "c.x", "hdf")  # type: ignore[arg-type]
    with pytest.raises(OutputError, match="is a folder"):
        write_table(circulator, tmp_path, "csv")


def test_a_missing_package_names_the_extra(
    circulator: SpectrumTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(spectrum_files.importlib, "import_module", missing)
    for format in ("netcdf", "parquet"):
        with pytest.raises(InputError, match=r"cpo-pdk\[exchange\]"):
            write_table(circulator, tmp_path / "x", format)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n", "columns a, b"),
        ("f_Hz,wl_um,port_in,port_out,re,im\n", "missing or given twice"),
        ("f_Hz,wl_um,port_in,port_out,re,im\n1,2,o1\n", "3 values, 6 needed"),
        ("f_Hz,wl_um,port_in,port_out,re,im\nx,1.3,o1,o1,0,0\n", "no spectrum of cpo"),
        ("f_Hz,wl_um,port_in,port_out,re,im\n2e14,1.5,o1,o1,0,0\n2e14,1.5,o1,o1,0,0\n", "given twice"),
    ],
)
def test_damaged_tables_are_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", [".nc", ".parquet"])
def test_damaged_binaries_are_refused_in_one_line(circulator: SpectrumTable, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"x{ending}"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="no spectrum of cpo") as caught:
        read_table(path)
    assert "\n" not in str(caught.value)
