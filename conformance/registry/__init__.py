"""A registry: a static site of who keeps which contract since when, from a folder of bundles and certificates."""

from conformance.registry.building import Answers, Watcher, answers, registry_of
from conformance.registry.cache import Cache
from conformance.registry.feed import FeedError
from conformance.registry.layout import Layout, read_layout
from conformance.registry.registry import Registry
from conformance.registry.settings import RegistrySettings, read_settings
from conformance.registry.site import SiteError, check_folder, write_site

__all__ = [
    "Answers",
    "Cache",
    "FeedError",
    "Layout",
    "Registry",
    "RegistrySettings",
    "SiteError",
    "Watcher",
    "answers",
    "check_folder",
    "read_layout",
    "read_settings",
    "registry_of",
    "write_site",
]
