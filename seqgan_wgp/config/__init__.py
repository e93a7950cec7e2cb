"""Settings of a run: fields, schema, validation, recipes, and how a config is read and written."""

from .recipes import recipe as recipe
from .recipes import recipe_names as recipe_names
from .recipes import recipe_text as recipe_text
from .schema import FORMAT_VERSION as FORMAT_VERSION
from .schema import Config as Config
from .serialization import changes as changes
from .serialization import check_decided as check_decided
from .serialization import from_dict as from_dict
from .serialization import from_trained as from_trained
from .serialization import given as given
from .serialization import override as override
from .serialization import replace_end as replace_end
from .serialization import to_dict as to_dict
from .serialization import to_toml as to_toml
