-- @noindex
-- Wishes that a run has not got to when REAPER ends it, because its action was called again: the next run takes them over.

local json = require("json")
local messages = require("messages")

local leaving = {}

local SECTION, KEY = "daw_bridge", "left_wishes"
local ONLY_NOW = false -- not beyond this session of REAPER

--- Take what earlier runs have left.
-- @return list of wishes, the oldest first
function leaving.take()
  local wishes = json.decode(reaper.GetExtState(SECTION, KEY))
  reaper.DeleteExtState(SECTION, KEY, ONLY_NOW)
  return type(wishes) == "table" and wishes or {}
end

--- Leave wishes to the next run, after those that lie there already.
-- @param wishes list of plain tables, nothing of which is under way
function leaving.leave(wishes)
  if #wishes == 0 then return end
  local all = leaving.take()
  for _, wish in ipairs(wishes) do all[#all + 1] = wish end
  local text, problem = json.encode(all)
  if text then return reaper.SetExtState(SECTION, KEY, text, ONLY_NOW) end
  for _, wish in ipairs(wishes) do reaper.ShowConsoleMsg(messages.not_asked:format(wish.request.name, problem)) end
end

return leaving
