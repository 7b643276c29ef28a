"""The entry point of the installed command, and of ``python -m layerscope``."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the program."""
    gc.disable()  # a command ends before there is anything to collect; the interface begins after its first frame
    if sys.argv[1:] == ["--version"]:
        from layerscope import __version__  # noqa: PLC0415 (and nothing else)

        print(f"layerscope {__version__}")
        sys.exit(0)
    from layerscope.commands.ahead import ask_ahead, loading  # noqa: PLC0415

    with loading():
        ask_ahead(sys.argv[1:])
        from layerscope.cli import main as run  # noqa: PLC0415
        from layerscope.leaving import ending_at_once  # noqa: PLC0415
    with ending_at_once():
        run()


if __name__ == "__main__":
    main()
