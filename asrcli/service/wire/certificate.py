"""A key and a certificate for loopback, made on the spot: an authority that signs one certificate and is forgotten.

Nothing here is kept or used again: the authority's key is dropped once it has signed, the server's lies on the disk
only while OpenSSL reads it. Who trusts the authority trusts one run of the service, for a week at most.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import ssl
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from asrcli.values.errors import UsageError

_ADDRESSES = ("127.0.0.1", "::1")
_NAME = "localhost"
_LIFE = datetime.timedelta(days=7)
# The clock of a container may be a little behind ours.
_SKEW = datetime.timedelta(minutes=5)
# PEM lets text stand before the certificate. By this line we know a file that we may write over.
_TITLE = b"# The authority of one run of asrcli serve --tls\n"


class Authority:
    """A fresh authority and the one certificate that it has signed: valid for loopback, in `server_context`."""

    def __init__(self) -> None:
        authority_key, server_key = _new_key(), _new_key()
        authority = _authority(authority_key)
        self._pem = _TITLE + authority.public_bytes(Encoding.PEM)
        self.server_context = _context(server_key, _server(server_key, authority, authority_key))

    def write(self, path: Path | None) -> Path:
        """Write what a client must trust to `path`, or to a new temporary file; where that is, in PEM.

        Raises UsageError where it cannot be written, or would replace a file that was not written here.
        """
        try:
            if path is None:
                with tempfile.NamedTemporaryFile(prefix="asrcli-serve-", suffix=".pem", delete=False) as file:
                    file.write(self._pem)
                return Path(file.name)
            with contextlib.suppress(FileNotFoundError):
                if not path.read_bytes().startswith(_TITLE):
                    raise UsageError(f"{path} exists already", hint="choose another file for --tls-ca")
            path.write_bytes(self._pem)
            return path.absolute()
        except OSError as error:
            place = path or tempfile.gettempdir()
            raise UsageError(
                f"cannot write the certificate's authority to {place}: {error.strerror}", hint="use --tls-ca FILE"
            ) from error


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _named("asrcli serve, authority of one run")
    builder = _certificate(name, name, key)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(signs_certificates=True), critical=True)
    return builder.sign(key, hashes.SHA256())


def _server(
    key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, authority_key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    hosts = [*(x509.IPAddress(ipaddress.ip_address(each)) for each in _ADDRESSES), x509.DNSName(_NAME)]
    signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    builder = _certificate(_named("asrcli serve"), authority.subject, key)
    builder = builder.add_extension(signer, critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
    return builder.sign(authority_key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    """What every certificate has (RFC 5280); verifiers that are strict, Python's from 3.13, want the identifiers."""
    now = datetime.datetime.now(datetime.UTC)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    return builder.not_valid_before(now - _SKEW).not_valid_after(now + _LIFE).add_extension(identifier, critical=False)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _context(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    # OpenSSL takes them from a file only; nobody else can read this one.
    with tempfile.NamedTemporaryFile(prefix="asrcli-serve-", suffix=".pem") as file:
        file.write(private + certificate.public_bytes(Encoding.PEM))
        file.flush()
        context.load_cert_chain(file.name)
    return context
