"""The site: ``sphinx-build -W --keep-going docs docs/_build/html``, offline, its examples executed."""

import logging
import os
import sys
from pathlib import Path

# Set before NumPy is loaded, as for the figures of the performance page.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))
logging.getLogger("distributed").setLevel(logging.WARNING)

from sphinx_gallery.sorting import ExplicitOrder

import pyomo_relu

project = "pyomo-relu"
author = "the pyomo-relu developers"
copyright = f"2026, {author}"
version = release = pyomo_relu.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "mathml",
    "citations",
    "attributes",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "gallery", "notebooks", "auto_gallery/**.ipynb", "auto_gallery/**.py"]

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "attrs_inline"]
myst_heading_anchors = 3
math_eqref_format = "(M{number})"
html_math_renderer = "mathml"

# Every role in a docstring must lead somewhere; the words of a numpydoc type need not.
nitpicky = True
nitpick_ignore_regex = [("py:(class|obj)", ".*"), ("py:exc", ".*Error")]
suppress_warnings = ["ref.python"]  # a word such as "lower" in the type of a parameter is no reference
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = True
napoleon_google_docstring = False
napoleon_use_rtype = False

GALLERY = [
    "plot_denoise",
    "plot_inpaint",
    "plot_layerwise_fails",
    "plot_preimage",
    "plot_convexity",
    "plot_sat",
    "plot_solvers",
    "plot_dask",
    "plot_own_network",
    "plot_own_constraint",
]
sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "within_subsection_order": ExplicitOrder([f"{name}.py" for name in GALLERY]),
    "filename_pattern": "/plot_",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,  # its page would load scripts from elsewhere
    "plot_gallery": "True",
    "image_scrapers": ("matplotlib",),
    "reset_modules": ("matplotlib",),
}

linkcheck_ignore = [r"https?://"]  # the site is built and checked offline

html_theme = "furo"
html_title = "pyomo-relu"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#9a3412", "color-brand-content": "#9a3412"},
    "dark_css_variables": {"color-brand-primary": "#fdba74", "color-brand-content": "#fdba74"},
}
