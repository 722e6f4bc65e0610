"""An exchange of our own, which can be broken at will: it answers in process and over loopback HTTP."""
