"""Register losses, penalties, networks, optimizers and more by name, so that settings can choose them.

The package's own entries are in modules such as `training/losses.py`. A plugin file adds its entries in the same way:

    @seqgan_wgp.register.loss("mine")

A registry imports the modules that register its entries on first use, so importing this package does not load torch.
"""

from __future__ import annotations

from .decorators import Register as Register
from .decorators import register as register
from .entries import AnyOf as AnyOf
from .entries import Constraint as Constraint
from .entries import Context as Context
from .entries import Loss as Loss
from .entries import Network as Network
from .entries import Normalization as Normalization
from .entries import OptimizerEntry as OptimizerEntry
from .entries import Registry as Registry
from .entries import TableNames as TableNames
from .entries import TextUnit as TextUnit
from .entries import Validator as Validator
from .plugins import load_plugins as load_plugins
from .plugins import plugin_names as plugin_names
from .plugins import plugin_paths as plugin_paths
from .plugins import unload_plugin as unload_plugin
from .tables import CONSTRAINTS as CONSTRAINTS
from .tables import CONTEXTS as CONTEXTS
from .tables import CRITICS as CRITICS
from .tables import DISTRIBUTIONS as DISTRIBUTIONS
from .tables import GENERATORS as GENERATORS
from .tables import INITIALIZATIONS as INITIALIZATIONS
from .tables import LOSSES as LOSSES
from .tables import NORMALIZATIONS as NORMALIZATIONS
from .tables import OPTIMIZERS as OPTIMIZERS
from .tables import UNITS as UNITS
from .tables import VALIDATORS as VALIDATORS
from .tables import all_registries as all_registries
