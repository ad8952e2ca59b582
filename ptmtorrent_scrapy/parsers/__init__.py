"""Pure functions that turn the objects and pages of one hub into Models.

One module per hub (two for the ONNX Model Zoo). They touch no file and import no Scrapy.
Public formats belong in `formats`.
"""
