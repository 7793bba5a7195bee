#!/usr/bin/env python3
"""An OPC UA server that is not our code: asyncua, with a value of every type, changed by what it is told.

    opcua_server.py --port 4840 --folder DIR [--path /plant]

Serves without security and with every policy that is not broken; to anybody, to the user `operator` with the password
`secret`, and to users with a certificate that it was told. Its own certificate is made in DIR and lasts; with security it
serves clients only after it was told to trust them. Prints `ready` once it listens, then one line of JSON: the list of
its points, each {"path", "type", "value", "writable"}. Every line on standard input is JSON and answered by one:

    {"node", "value"?, "status"?, "source"?}   writes that value, status code, and source time (seconds since 1970)
    {"count": true}                            {"sessions", "subscriptions", "items"} that it keeps
    {"ids": true}                              the ids of the subscriptions that it keeps
    {"trust_clients": true}                    trusts the certificates of all clients from now on, or of none
    {"user": "FILE"}                           lets who has this certificate (DER) log in
    {"most": 5}                                refuses reads and subscriptions of more nodes in one call, or of none
    {"large": 2000000, "name"?}                adds ns=2;s=Large, or of that name, with so many bytes
    {"many": 1100}                             adds ns=2;s=Many with so many objects under it
    {"matrix": [[1, 2], [3, 4]]}               adds ns=2;s=Matrix, with these integers
    {"number": 1.5, "name", "namespace"?}      adds a node of that name with this number, also to a namespace that is new
"""

import argparse
import asyncio
import datetime
import json
import logging
import struct
import sys
from pathlib import Path

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_session import InternalSession
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

APPLICATION = "urn:basalt:peer"
NAMESPACE = "urn:basalt:plant"
POLICIES = [
    ua.SecurityPolicyType.NoSecurity,
    ua.SecurityPolicyType.Basic256Sha256_Sign,
    ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
    ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
    ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
]

# Name, type here, type there, value.
VALUES = [
    ("Bit", "bit", ua.VariantType.Boolean, True),
    ("Byte", "byte", ua.VariantType.Byte, 255),
    ("SByte", "int16", ua.VariantType.SByte, -128),
    ("Int16", "int16", ua.VariantType.Int16, -2),
    ("UInt16", "uint16", ua.VariantType.UInt16, 4660),
    ("Int32", "int32", ua.VariantType.Int32, -123456789),
    ("UInt32", "uint32", ua.VariantType.UInt32, 305419896),
    ("Int64", "int64", ua.VariantType.Int64, -1234567890123456789),
    ("UInt64", "uint64", ua.VariantType.UInt64, 18446744073709551615),
    ("Half", "fp16", ua.VariantType.Float, 1.5),
    ("Float", "fp32", ua.VariantType.Float, struct.unpack(">f", struct.pack(">f", 123.456))[0]),
    ("Double", "fp64", ua.VariantType.Double, -1234.5678),
    ("Text", "text", ua.VariantType.String, "Läuft; a=b"),
]


class Users:
    """Anybody without a name, one with a password, and those whose certificates are known."""

    def __init__(self):
        self.certificates = set()

    def get_user(self, iserver, username=None, password=None, certificate=None):
        if username is not None:
            is_known = (username, password) == ("operator", "secret")
        else:
            # Without a user it is the certificate of the application, which says its URI.
            is_known = not certificate or certificate in self.certificates or is_of_application(certificate)
        return User(role=UserRole.User) if is_known else None


def is_of_application(certificate):
    try:
        names = x509.load_der_x509_certificate(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return False
    return bool(names.value.get_values_for_type(x509.UniformResourceIdentifier))


class Clients:
    """Whose applications are trusted: nobody's, or everybody's."""

    def __init__(self):
        self.are_trusted = False

    async def judge(self, certificate, application):
        if not self.are_trusted:
            raise ServiceError(ua.StatusCodes.BadCertificateUntrusted)


class CallLimit:
    """The most nodes of one call, which the server does not state."""

    most = None

    @classmethod
    def put_on(cls, name, nodes):
        method = getattr(InternalSession, name)

        async def limited(session, params, *more):
            # Sessions of the server itself are not limited.
            if session.external and cls.most is not None and len(getattr(params, nodes)) > cls.most:
                raise ServiceError(ua.StatusCodes.BadTooManyOperations)
            return await method(session, params, *more)

        setattr(InternalSession, name, limited)


CallLimit.put_on("read", "NodesToRead")
CallLimit.put_on("create_monitored_items", "ItemsToCreate")


async def secure(server, folder):
    key, certificate = folder / "key.pem", folder / "certificate.der"
    uses = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    await setup_self_signed_certificate(key, certificate, APPLICATION, "localhost", uses, {"commonName": "Plant peer"})
    await server.set_application_uri(APPLICATION)
    server.set_security_policy(POLICIES)
    await server.load_certificate(str(certificate))
    await server.load_private_key(str(key))


async def fill(server):
    space = await server.register_namespace(NAMESPACE)
    line = await server.nodes.objects.add_object(ua.NodeId("Line", space), ua.QualifiedName("Line", space))
    points = []
    for name, kind, variant, value in VALUES:
        node = await line.add_variable(ua.NodeId(f"Line.{name}", space), ua.QualifiedName(name, space), value, variant)
        await node.set_writable()
        path = f"ns={space};s=Line.{name}"
        points.append({"path": path, "type": kind, "value": value, "writable": True})
    await line.add_variable(ua.NodeId(7, space), ua.QualifiedName("Sealed", space), 42, ua.VariantType.Int32)
    points.append({"path": f"ns={space};i=7", "type": "int32", "value": 42, "writable": False})
    await line.add_variable(ua.NodeId("Line.List", space), ua.QualifiedName("List", space), [1, 2], ua.VariantType.Int32)
    return points


async def add_many(server, count):
    """Objects without a type, whose checks would take seconds."""
    space = await server.get_namespace_index(NAMESPACE)
    many = await server.nodes.objects.add_object(ua.NodeId("Many", space), ua.QualifiedName("Many", space))
    items = [
        ua.AddNodesItem(
            RequestedNewNodeId=ua.NodeId(1000 + number, space),
            BrowseName=ua.QualifiedName(f"N{number}", space),
            NodeClass=ua.NodeClass.Object,
            ParentNodeId=many.nodeid,
            ReferenceTypeId=ua.NodeId(ua.ObjectIds.HasComponent),
            NodeAttributes=ua.ObjectAttributes(DisplayName=ua.LocalizedText(f"N{number}")),
        )
        for number in range(count)
    ]
    for added in await server.iserver.isession.add_nodes(items):
        added.StatusCode.check()


async def add(server, name, value, namespace=NAMESPACE):
    space = await server.register_namespace(namespace)
    await server.nodes.objects.add_variable(ua.NodeId(name, space), ua.QualifiedName(name, space), value)


async def obey(server, users, clients, told):
    if told.get("count"):
        subscriptions = server.iserver.subscription_service.subscriptions
        items = sum(len(one.monitored_item_srv._monitored_items) for one in subscriptions.values())
        sessions = len(server.iserver._external_sessions)
        return {"sessions": sessions, "subscriptions": len(subscriptions), "items": items}
    if told.get("ids"):
        return sorted(server.iserver.subscription_service.subscriptions)
    if "trust_clients" in told:
        clients.are_trusted = told["trust_clients"]
        return {}
    if "user" in told:
        users.certificates.add(Path(told["user"]).read_bytes())
        return {}
    if "most" in told:
        CallLimit.most = told["most"]
        return {}
    if "large" in told:
        await add(server, told.get("name", "Large"), ua.Variant(b"x" * told["large"], ua.VariantType.ByteString))
        return {}
    if "many" in told:
        await add_many(server, told["many"])
        return {}
    if "matrix" in told:
        await add(server, "Matrix", ua.Variant(told["matrix"], ua.VariantType.Int32))
        return {}
    if "number" in told:
        await add(server, told["name"], float(told["number"]), told.get("namespace", NAMESPACE))
        return {}
    node = server.get_node(told["node"])
    held = await node.read_data_value(raise_on_bad_status=False)
    kind = await node.read_data_type_as_variant_type()
    value = ua.Variant(told["value"], kind) if "value" in told else held.Value
    now = datetime.datetime.now(datetime.timezone.utc)
    source = datetime.datetime.fromtimestamp(told["source"], datetime.timezone.utc) if "source" in told else now
    await server.write_attribute_value(
        node.nodeid,
        ua.DataValue(
            Value=value,
            StatusCode=ua.StatusCode(told.get("status", 0)),
            SourceTimestamp=source,
            ServerTimestamp=now,
        ),
    )
    return {}


async def serve(port, folder, path):
    users, clients = Users(), Clients()
    server = Server(user_manager=users)
    await server.init()
    server.set_certificate_validator(clients.judge)
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}{path}")
    await secure(server, folder)
    points = await fill(server)
    async with server:
        print("ready", flush=True)
        print(json.dumps(points), flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(await obey(server, users, clients, json.loads(line))), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--path", default="/plant", help="of its address; may be empty")
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    try:
        asyncio.run(serve(arguments.port, arguments.folder, arguments.path))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
