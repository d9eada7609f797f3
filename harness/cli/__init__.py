"""The command line: parse, call one function, say what came out. One file a command."""
