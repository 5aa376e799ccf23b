from tests.yahoo.fixtures import start_emulator, yahoo_cache_dir
from tests.yahoo.sources import open_source, yahoo_settings

__all__ = ["open_source", "start_emulator", "yahoo_cache_dir", "yahoo_settings"]
