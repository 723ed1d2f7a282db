"""Building an image from a root tree and a layout file."""

from trident.image.build.build import BuildReport, build_image
from trident.image.build.layout import Layout, load_layout, parse_layout

__all__ = ["BuildReport", "Layout", "build_image", "load_layout", "parse_layout"]
