from tests.support.object_fixtures import moto, server

__all__ = ["moto", "server"]
