-- Scripts run in REAPER 6 (Lua 5.3) and 7 (Lua 5.4); `reaper` is all that REAPER adds.
std = "lua53"
read_globals = { "reaper" }
max_line_length = 130
