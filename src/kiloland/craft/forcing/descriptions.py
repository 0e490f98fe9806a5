"""The descriptions by which the data atmosphere of E3SM finds and reads the stream files."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from kiloland.craft.forcing.land import LandCells
from kiloland.craft.forcing.mesh import write_mesh
from kiloland.craft.forcing.output import VARIABLES, Month
from kiloland.craft.forcing.request import StreamFormat
from kiloland.files import write_text

STREAM: Final = "datm.streams.txt.uELM_NA"
"""Names of the streams in E3SM begin so; a copy in the case's directory has ``user_`` before it."""


XML_NAME: Final = "datm.streams.xml"
MESH_NAME: Final = "datm_mesh.nc"
FLUXES: Final = ("swdn", "lwdn", "precn")
"""Aliases that the newer coupler counts as fluxes; the others are states."""


def write_stream_descriptions(
    folder: Path, domain_file: Path, months: list[Month], form: StreamFormat = StreamFormat.TEXT
) -> list[Path]:
    """Write the descriptions of the streams into the folder; returns the files.

    Texts: ``user_datm.streams.txt.uELM_NA.<VAR>`` for the data atmosphere of E3SM, and ``user_nl_datm``.
    Copied into a case's directory they take the place of the ones that the case generates. XML:
    ``datm.streams.xml`` for CDEPS, and the mesh of the cells that it names.
    """
    if form is StreamFormat.XML:
        write_mesh(folder / MESH_NAME, LandCells.open(domain_file))
        write_text(folder / XML_NAME, stream_xml(folder, months))
        return [folder / XML_NAME, folder / MESH_NAME]
    written = []
    for name, variable in VARIABLES.items():
        names = "\n".join(f"         {month.file(Path(), name)}" for month in months)
        text = f"""<?xml version="1.0"?>
<file id="stream" version="1.0">
   <dataSource>
      GENERIC
   </dataSource>
   <domainInfo>
      <variableNames>
         time   time
         xc     lon
         yc     lat
         area   area
         mask   mask
      </variableNames>
      <filePath>
         {escape(str(domain_file.resolve().parent))}
      </filePath>
      <fileNames>
         {escape(domain_file.name)}
      </fileNames>
   </domainInfo>
   <fieldInfo>
      <variableNames>
         {name}   {variable.alias}
      </variableNames>
      <filePath>
         {escape(str(folder.resolve()))}
      </filePath>
      <fileNames>
{names}
      </fileNames>
      <offset>
         0
      </offset>
   </fieldInfo>
</file>
"""
        path = folder / f"user_{STREAM}.{name}"
        write_text(path, text)
        written.append(path)
    path = folder / "user_nl_datm"
    write_text(path, namelist(months))
    return [*written, path]


def stream_xml(folder: Path, months: list[Month]) -> str:
    """The seven streams in the XML that CDEPS reads, with absolute paths.

    The cells of the files are those of the mesh, so values are redistributed, not interpolated.
    """
    place = folder.resolve()
    years = [month.year for month in months]
    streams = []
    for name, variable in VARIABLES.items():
        kind = "Faxa" if variable.alias in FLUXES else "Sa"
        files = "\n".join(f"    <file>{escape(str(month.file(place, name)))}</file>" for month in months)
        streams.append(f"""  <stream_info name="uELM_NA.{name}">
   <taxmode>cycle</taxmode>
   <tintalgo>{variable.interpolation}</tintalgo>
   <readmode>single</readmode>
   <mapalgo>redist</mapalgo>
   <dtlimit>1.5</dtlimit>
   <year_first>{min(years)}</year_first>
   <year_last>{max(years)}</year_last>
   <year_align>{min(years)}</year_align>
   <vectors>null</vectors>
   <meshfile>{escape(str(place / MESH_NAME))}</meshfile>
   <lev_dimname>null</lev_dimname>
   <datafiles>
{files}
   </datafiles>
   <datavars>
    <var>{name} {kind}_{variable.alias}</var>
   </datavars>
   <offset>0</offset>
  </stream_info>
""")
    return f"""<?xml version="1.0"?>
<file id="stream" version="2.0">
{"".join(streams)}</file>
"""


def namelist(months: list[Month]) -> str:
    """The seven streams as the data atmosphere's namelist lists them: file, aligned year, first, last.

    A case of mode uELM_NA generates these lines itself; they are for a case of another mode, and for a look
    at what the files are made for. Lists in ``user_nl_datm`` replace those of the case as a whole, so its
    other streams (aerosols) have to be added.
    """
    years = [month.year for month in months]
    first, last = min(years), max(years)

    def lines(name: str, values: list[str]) -> str:
        return f" {name} = " + f",\n{' ' * (len(name) + 4)}".join(values)

    count = len(VARIABLES)
    columns = {
        "streams": [f'"{STREAM}.{name} {first} {first} {last}"' for name in VARIABLES],
        "mapalgo": ["'copy'"] * count,
        "tintalgo": [f"'{variable.interpolation}'" for variable in VARIABLES.values()],
        "taxmode": ["'cycle'"] * count,
        "dtlimit": ["1.5"] * count,
        "fillalgo": ["'nn'"] * count,
        "readmode": ["'single'"] * count,
    }
    head = (
        "! Streams of this folder. A case of DATM_MODE uELM_NA makes these lines itself; elsewhere add its\n"
    )
    return (
        head
        + "! own streams (aerosols) to each list.\n"
        + "\n".join(map(lines, columns, columns.values()))
        + "\n"
    )
