-- Puts a simulated REAPER in the place of the real one: the globals `reaper` and `gfx` of this Lua state.

local api = require("api")
local costs = require("costs")
local functions = require("functions")
local world_of = require("world")

--- @param options api_list (path), missing (list of names that this version lacks), env (table: os.getenv's answers)
-- @param host functions of the machine: media, is_file, make_folder, file_names, render, heard, time_reference
-- @return the world, and a function that lists the globals that scripts have added since
return function(options, host)
  local world = world_of.new()
  world.host, world.rules, world.missing = host, api.read(options.api_list), {}
  for _, name in ipairs(options.missing) do world.missing[name] = true end
  -- luacheck: globals reaper gfx os.getenv io.open os.rename os.remove
  function world.watch_costs(byte_seconds) world.costs = costs.watch(_G, byte_seconds) end
  reaper = api.strict(world.rules, functions.reaper(world), {
    kind_of = function(pointer) return world:kind_of(pointer) end,
    missing = world.missing,
    on_call = function(name)
      if world.costs then
        world.costs.pause()
        world.costs.count("call", 1)
      end
      world.calls[name] = (world.calls[name] or 0) + 1
      table.insert(world.calls, name)
      if world.fail_call == #world.calls or world.fail_name == name then
        error("reaper." .. name .. " fails here on purpose", 3)
      end
    end,
    on_return = function(...)
      if world.costs then world.costs.go_on() end
      return ...
    end,
  })
  gfx = functions.gfx(world)
  os.getenv = function(name) return options.env[name] end
  local known = {}
  for name in pairs(_G) do known[name] = true end
  local function leaked()
    local names = {}
    for name in pairs(_G) do
      if not known[name] then names[#names + 1] = name end
    end
    return names
  end
  return world, leaked
end
