-- @noindex
-- One change of the arrangement: one undo point, the window still meanwhile, and nothing left behind by a failure.

local transaction = {}

local ALL_STATE = -1

--- Run a change as one undo point.
-- Both brackets are closed whatever happens, in the same tick.
-- @param project the project that changes
-- @param label what the undo history says
-- @param change function that does it; an error in it takes back what was done so far
-- @return what `change` returned; or nil and the error's message
function transaction.run(project, label, change)
  reaper.PreventUIRefresh(1)
  reaper.Undo_BeginBlock2(project)
  local is_done, outcome = pcall(change)
  local entry = is_done and label or label .. " (taken back)" -- a name of its own, so that no earlier change is undone
  reaper.Undo_EndBlock2(project, entry, ALL_STATE)
  if not is_done and reaper.Undo_CanUndo2(project) == entry then reaper.Undo_DoUndo2(project) end
  reaper.PreventUIRefresh(-1)
  reaper.UpdateArrange()
  if is_done then return outcome end
  return nil, tostring(outcome)
end

return transaction
