"""Every page for people. No rules and no queries: pages call functions of the other apps."""
