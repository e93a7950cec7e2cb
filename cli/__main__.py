"""Run the command from a bare clone: `python -m cli --help`."""

from .app import main

if __name__ == "__main__":
    main()
