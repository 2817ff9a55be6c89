"""Certificates for the tests, made by the openssl program in a folder that goes with the session."""
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Certificate:
    certificate: Path
    key: Path
    # What a client has to trust to take it.
    authority: Path

    def context(self, **versions):
        """A client's settings that trust this certificate."""
        context = ssl.create_default_context(cafile=self.authority)
        # Python 3.13's default.
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.check_hostname = False
        for name, value in versions.items():
            setattr(context, name, value)
        return context


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True)
    assert done.returncode == 0, (arguments, done.stderr.decode(errors="replace"))
    return done.stdout


class Authority:
    """Signs certificates; each has a name of its own in its folder."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name = folder, name
        self.certificate, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 30,
                "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign", "-keyout", self.key, "-out",
                self.certificate)

    def issue(self, name, hosts=(), subject=None):
        request, key = self.folder / f"{name}.csr", self.folder / f"{name}.key"
        certificate, extensions = self.folder / f"{name}.pem", self.folder / f"{name}.ext"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                "-out", request, "-utf8", "-subj", subject or f"/CN={name}")
        names = ",".join(hosts or ["DNS:localhost", "IP:127.0.0.1"])
        extensions.write_text(f"subjectAltName={names}\nauthorityKeyIdentifier=keyid\n")
        openssl("x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", 30, "-extfile", extensions, "-out", certificate)
        return Certificate(certificate, key, self.certificate)
