"""Makes a certificate for a user of OPC UA servers and its key.

    opcua_user.py DIR NAME     DIR/NAME.der and DIR/NAME.key.pem; prints the path of the first as JSON
"""

import datetime
import json
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

folder, name = Path(sys.argv[1]), sys.argv[2]
folder.mkdir(parents=True, exist_ok=True)
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
now = datetime.datetime.now(datetime.timezone.utc)
certificate = (
    x509.CertificateBuilder()
    .subject_name(subject)
    .issuer_name(subject)
    .public_key(key.public_key())
    .serial_number(x509.random_serial_number())
    .not_valid_before(now - datetime.timedelta(days=1))
    .not_valid_after(now + datetime.timedelta(days=365))
    .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    .add_extension(
        x509.KeyUsage(
            digital_signature=True,
            content_commitment=True,
            key_encipherment=True,
            data_encipherment=True,
            key_agreement=False,
            key_cert_sign=False,
            crl_sign=False,
            encipher_only=False,
            decipher_only=False,
        ),
        critical=True,
    )
    .sign(key, hashes.SHA256())
)
path = folder / f"{name}.der"
path.write_bytes(certificate.public_bytes(serialization.Encoding.DER))
form = serialization.PrivateFormat.PKCS8
pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
(folder / f"{name}.key.pem").write_bytes(pem)
print(json.dumps(str(path)))
