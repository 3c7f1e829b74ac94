"""ZEO's own `runzeo`, which tells the port that it was given on one line of JSON, and never outlives its parent."""
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
# The configuration lies in a directory of its own: relative paths in it, and whatever ZEO writes, stay there.
os.chdir(os.path.dirname(os.path.abspath(options.configfile)))
ReportingServer(options).main()
