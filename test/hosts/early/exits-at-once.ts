// An application whose first line ends it.
process.exit(3);
