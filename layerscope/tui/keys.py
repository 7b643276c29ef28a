"""Groups of keys: the headings under which the help screen lists every binding."""

from textual.binding import Binding

MOVE = Binding.Group("Move")
VIEWS = Binding.Group("Views")
FIND = Binding.Group("Find, filter, sort")
MARK = Binding.Group("Mark and remove")
SHOW = Binding.Group("Look closer, copy, save")
APP = Binding.Group("Session")

ORDER = (MOVE, VIEWS, FIND, MARK, SHOW, APP)
