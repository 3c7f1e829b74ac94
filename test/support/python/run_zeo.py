"""ZEO's own `runzeo`. Prints its port as one line of JSON, and never outlives its parent."""
import json
import os
import sys

import die_with_parent
from ZEO.runzeo import ZEOOptions
from ZEO.runzeo import ZEOServer


class ReportingServer(ZEOServer):

    def create_server(self):
        super().create_server()
        print(json.dumps({'address': self.server.addr}), flush=True)


die_with_parent.arm_stdin()
options = ZEOOptions()
options.realize(sys.argv[1:])
# The configuration is in a directory of its own, which relative paths and all files that ZEO writes stay within.
os.chdir(os.path.dirname(os.path.abspath(options.configfile)))
ReportingServer(options).main()
