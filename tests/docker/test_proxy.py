"""The proxy with TLS: one site, passed on to Airflow's page, with a certificate of its own or the user's."""

import re

from tests.docker.compose import defaults, read, services


def blocks() -> dict[str, str]:
    """The Caddyfile's blocks by what stands before their brace; the global options have no name."""
    found = re.findall(r"^(\S*?)\s*\{\n(.*?)^\}", read("docker/proxy/Caddyfile"), re.MULTILINE | re.DOTALL)
    return dict(found)


def test_one_site_is_served_and_its_requests_go_to_the_page() -> None:
    site = blocks()["https://{$SITE_NAME:localhost}:8443"]
    assert re.findall(r"reverse_proxy (\S+)", site) == ["api-server:8080"]
    assert services()["proxy"]["ports"][0].endswith(":8443")
    # The other one is inside the container, for the health check.
    assert [name for name in blocks() if "://" in name and "localhost" not in name] == ["http://127.0.0.1:8081"]
    assert services()["proxy"]["healthcheck"]["test"][-1] == "http://127.0.0.1:8081/health"


def test_the_certificate_is_the_one_that_the_settings_choose() -> None:
    site = blocks()["https://{$SITE_NAME:localhost}:8443"]
    assert "import {$TLS_CERTIFICATE:internal}" in site
    assert defaults()["TLS_CERTIFICATE"] == "internal"
    assert "tls internal" in blocks()["(internal)"]
    assert "tls /certificates/site.crt /certificates/site.key" in blocks()["(files)"]
    assert services()["proxy"]["volumes"][1].endswith(":/certificates:ro")
    # A browser that has seen this header refuses a certificate that it does not know, so only the user's has it.
    assert "Strict-Transport-Security" in blocks()["(files)"]
    assert "Strict-Transport-Security" not in site + blocks()["(internal)"]


def test_answers_have_the_headers_of_security_and_large_requests_are_refused() -> None:
    site = blocks()["https://{$SITE_NAME:localhost}:8443"]
    for header in (
        "X-Content-Type-Options nosniff",
        "?X-Frame-Options SAMEORIGIN",
        "?Content-Security-Policy",
        "-Server",
    ):
        assert header in site
    assert "max_size 1MB" in site


def test_the_proxy_cannot_be_changed_while_it_runs() -> None:
    assert "admin off" in blocks()[""]
    assert services()["proxy"]["read_only"] is True


def test_the_program_is_a_copy_without_the_capability_that_no_container_has() -> None:
    text = read("docker/proxy/Dockerfile")
    assert "cp /usr/bin/caddy /usr/local/bin/caddy" in text
    assert 'ENTRYPOINT ["/usr/local/bin/caddy"]' in text
