"""Files for other tools: GeoTIFF for map programs, maps in netCDF, cells for ParaView and VisIt.

Exporting stands in ``report`` since it shows what is in a file: it chooses times, layers and places as
pictures do, and nothing in ``craft`` or ``run`` needs what it writes.
"""

from kiloland.report.export.geotiff import Exported, export_geotiff
from kiloland.report.export.netcdf import export_netcdf
from kiloland.report.export.vtk import export_vtk

__all__ = ["Exported", "export_geotiff", "export_netcdf", "export_vtk"]
