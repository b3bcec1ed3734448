"""`python -m darkroom_gateway`: serve until SIGTERM or Ctrl-C."""

import argparse
import logging.config
import socket
import sys
import types
import typing

import uvicorn
from darkroom_client import BadOption
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from darkroom_gateway.app import create_app
from darkroom_gateway.callers import CallersError
from darkroom_gateway.logs import CONFIG
from darkroom_gateway.services import Services
from darkroom_gateway.settings import Settings
from darkroom_gateway.tasks import BY_NAME


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 stopped as asked, 1 could not start, 2 wrong usage."""
    options = vars(_parser().parse_args(arguments))
    host, port, grace_s = options.pop("host"), options.pop("port"), options.pop("grace")
    try:
        settings = Settings(**{name: value for name, value in options.items() if value is not None})
        app = create_app(settings)
        listening = _listen(host, port)
    except ValidationError as error:
        first = error.errors()[0]
        return _fail(f"--{str(first['loc'][0]).replace('_', '-')}: {first['msg']}, got {first['input']!r}.")
    except BadOption as error:
        return _fail(error.message)
    except (CallersError, OSError) as error:
        return _fail(str(error))
    logging.config.dictConfig(CONFIG)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        root_path=settings.root_path,
        timeout_graceful_shutdown=grace_s,
    )
    _Server(config, app.state.services, listening).run(sockets=[listening])
    return 0


class _Server(uvicorn.Server):
    """Says when it is ready, and ends event streams when it stops: uvicorn would wait for them to end by themselves."""

    def __init__(self, config: uvicorn.Config, services: Services, listening: socket.socket) -> None:
        super().__init__(config)
        self._services, self._listening = services, listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = self._listening.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        print(f"Ready: http://{name}:{port} (page), http://{name}:{port}/docs (documentation)", flush=True)

    def handle_exit(self, sig: int, frame: types.FrameType | None) -> None:
        self._services.stopping.set()
        super().handle_exit(sig, frame)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise OSError(f"Port {port} of {host} cannot be used: {error.strerror}.") from None
    return listening


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m darkroom_gateway", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8080, help="0 for a free one (default: %(default)s)")
    parser.add_argument("--grace", type=int, default=10, metavar="S", help="seconds that requests get when stopping")
    for name, field in Settings.model_fields.items():
        _add_switch(parser, name, field)
    return parser


def _add_switch(parser: argparse.ArgumentParser, name: str, field: FieldInfo) -> None:
    switch = f"--{name.replace('_', '-')}"
    default = f" (default: {field.default})" if field.default not in (None, "", ()) else ""
    about = f"{field.description}{default}"
    if field.annotation is bool:
        parser.add_argument(switch, action=argparse.BooleanOptionalAction, default=None, help=field.description)
    elif typing.get_origin(field.annotation) is tuple:
        parser.add_argument(switch, nargs="+", metavar="ORIGIN", help=about)
    elif name == "default_task":
        parser.add_argument(switch, choices=sorted(BY_NAME), help=about)
    else:
        parser.add_argument(switch, metavar=name.rpartition("_")[2].upper(), help=about)


def _fail(sentence: str) -> int:
    print(f"darkroom_gateway: {sentence}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
