"""`python -m cpo_pdk` is `cpo`."""

import os
import sys

if sys.path and sys.path[0] in ("", os.getcwd()):
    del sys.path[0]  # the working folder may be a stranger's: its modules are not ours to import

from cpo_pdk.cli import main

if __name__ == "__main__":
    main()
