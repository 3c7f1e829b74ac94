// An application that connects to a port of this machine in its first line, without a listener for errors, and ends with that
// connection.
import net from 'node:net';

net.connect(Number(process.argv[2]), '127.0.0.1').resume();
