import pickle
import struct


class Python2Pickler(pickle._Pickler):
    """Writes as Python 2 did: bytes, and text that is ASCII, are strings."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, value):
        self.write_string(value)
        self.memoize(value)

    def save_str(self, value):
        if value.isascii():
            self.write_string(value.encode('ascii'))
            self.memoize(value)
        else:
            pickle._Pickler.save_str(self, value)

    def write_string(self, value):
        if not self.bin:
            self.write(b'S' + repr(value)[1:].encode('ascii') + b'\n')
        elif len(value) < 256:
            self.write(b'U' + bytes([len(value)]) + value)
        else:
            self.write(b'T' + struct.pack('<i', len(value)) + value)

    dispatch[bytes] = save_bytes
    dispatch[str] = save_str
