#!/usr/bin/env python3
"""A mail server that is not our code: aiosmtpd. It keeps nothing.

    smtp_sink.py [--cert server.pem --key server.key --user NAME --password TEXT]

Prints its port once it listens, then each e-mail as a line of JSON: {"from", "to", "headers", "text", "login", "tls"}. With a
certificate it takes e-mails after STARTTLS and a login only. Recipients whose address begins with `refused` are refused.
"""

import argparse
import asyncio
import email
import email.policy
import json
import ssl

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


class Sink:
    """Prints what arrives."""

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(
            json.dumps(
                {
                    "from": envelope.mail_from,
                    "to": envelope.rcpt_tos,
                    "headers": {name.lower(): str(value) for name, value in message.items()},
                    "text": message.get_content(),
                    "login": session.authenticated is True,
                    "tls": session.ssl is not None,
                }
            ),
            flush=True,
        )
        return "250 OK"


def settings(args):
    """What the server asks of its clients."""
    if args.cert is None:
        return {}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(args.cert, args.key)
    expected = LoginPassword(args.user.encode(), args.password.encode())

    def authenticate(server, session, envelope, mechanism, given):
        # Not handled: the server itself says 535 to a wrong login.
        return AuthResult(success=given == expected, handled=False)

    return {
        "tls_context": context,
        "require_starttls": True,
        "auth_required": True,
        "authenticator": authenticate,
    }


async def serve(args):
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Sink(), **settings(args)), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    parser.add_argument("--user", default="")
    parser.add_argument("--password", default="")
    try:
        asyncio.run(serve(parser.parse_args()))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
