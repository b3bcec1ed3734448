"""`python -m darkroom.server.health`: whether a server is healthy, for a container's HEALTHCHECK.

Exit status: 0 healthy, 1 not (or nothing answers), 2 wrong usage. Prints what the health page says.
"""

import argparse
import http.client
import sys
import urllib.error
import urllib.request

DEFAULT_PORT = 8003


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m darkroom.server.health", description=__doc__)
    parser.add_argument(
        "--url", default=f"http://127.0.0.1:{DEFAULT_PORT}/healthz", help="health page (default: %(default)s)"
    )
    parser.add_argument("--timeout", type=float, default=5.0, metavar="SECONDS", help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        with urllib.request.urlopen(options.url, timeout=options.timeout) as answer:
            print(answer.read().decode(), end="")
            return 0
    except urllib.error.HTTPError as error:
        print(error.read().decode("utf-8", "replace"), end="")
    except (OSError, ValueError, http.client.HTTPException) as error:
        print(f"{options.url} does not answer: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
