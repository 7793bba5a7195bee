#!/bin/sh
# Makes the certificate signing requests of this directory anew, with OpenSSL 3. The private keys are thrown away: only
# the requests are compared with what the server says of them. Needs no network. Usage: sh make.sh
set -eu
cd "$(dirname "$0")"
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
subject=/CN=ignored/O=ignored

request() { # name, key file, further arguments of `openssl req`
    name=$1 key=$2; shift 2
    openssl req -new -key "$keys/$key" -subj "$subject" -out "$name.pem" "$@"
}

for bits in 1024 2048 4096; do
    openssl genpkey -quiet -algorithm RSA -pkeyopt "rsa_keygen_bits:$bits" -out "$keys/rsa$bits"
done
for curve in P-256 P-384 P-521 secp256k1; do
    openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:$curve" -out "$keys/$curve"
done
openssl genpkey -quiet -algorithm ED25519 -out "$keys/ed25519"
openssl genpkey -quiet -algorithm ED448 -out "$keys/ed448"
openssl genpkey -quiet -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out "$keys/rsapss"
openssl dsaparam -genkey -noout -out "$keys/dsa" 2048 2>/dev/null

# Certified.
request rsa-2048 rsa2048 -sha256
request rsa-4096-sha512 rsa4096 -sha512
request rsa-2048-pss rsa2048 -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
request p256 P-256 -sha256
request p256-sha384 P-256 -sha384
request p384 P-384 -sha384
request p384-sha256 P-384 -sha256
request ed25519 ed25519
request new-header P-256 -sha256 -newhdr
request with-text P-256 -sha256 -text
request asks-for-ca P-384 -sha256 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign \
    -addext subjectKeyIdentifier=hash -addext subjectAltName=DNS:other-device
request no-subject P-256 -sha256 -subj /

# Refused.
request rsa-1024 rsa1024 -sha256
request rsa-2048-sha1 rsa2048 -sha1
request rsa-2048-md5 rsa2048 -md5
request p256-sha1 P-256 -sha1
request p256-sha512 P-256 -sha512
request p521 P-521 -sha512
request secp256k1 secp256k1 -sha256
request ed448 ed448
request rsa-pss-key rsapss -sha256
request dsa-2048 dsa -sha256

# The request of one key with the signature of another: the last bytes of DER are the signature.
openssl req -in p256.pem -outform DER -out "$keys/one.der"
python3 - "$keys/one.der" wrong-signature.pem <<'PYTHON'
import base64, sys, textwrap
der = bytearray(open(sys.argv[1], "rb").read())
der[-1] ^= 1
lines = "\n".join(textwrap.wrap(base64.b64encode(der).decode(), 64))
open(sys.argv[2], "w").write(f"-----BEGIN CERTIFICATE REQUEST-----\n{lines}\n-----END CERTIFICATE REQUEST-----\n")
PYTHON
