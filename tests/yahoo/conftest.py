from tests.yahoo.fixtures import start_emulator, yahoo_cache_dir

__all__ = ["start_emulator", "yahoo_cache_dir"]
