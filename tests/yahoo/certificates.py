"""A certificate authority made for one emulator, so that a client can trust its TLS by environment alone."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST_PATTERNS = ("yahoo.com", "*.yahoo.com", "*.finance.yahoo.com")


@dataclass(frozen=True)
class Certificates:
    """``bundle`` is what the client trusts (the public authorities and ours); ``context`` is the server's side."""

    bundle: Path
    context: ssl.SSLContext


def make_certificates(folder: Path) -> Certificates:
    """A fresh authority and one server certificate for Yahoo's hosts, written into ``folder``."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _signed(_name("Hourcast emulator authority"), authority_key, None, authority_key)
    server_key = ec.generate_private_key(ec.SECP256R1())
    server = _signed(_name("yahoo.com"), server_key, authority, authority_key)
    chain, bundle = folder / "server.pem", folder / "bundle.pem"
    private = server_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain.write_bytes(private + _pem(server) + _pem(authority))
    bundle.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + _pem(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    context.set_alpn_protocols(["http/1.1"])
    return Certificates(bundle=bundle, context=context)


def _signed(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    now = datetime.now(UTC)
    is_authority = issuer is None
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if not is_authority:
        names = x509.SubjectAlternativeName([x509.DNSName(pattern) for pattern in HOST_PATTERNS])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(names, critical=False).add_extension(usage, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
