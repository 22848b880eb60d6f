// SPDX-License-Identifier: GPL-3.0-or-later
/* The rows of the action table.
 * Pure. */
#include "keys/remap/action-table.h"

#include <string.h>

#define ROW(op, args, name, signature, step, summary)                     \
	{                                                                 \
		name, REMAP_OP_##op, args, signature, summary, NULL, step \
	}
#define OLD(op, args, name, preferred, step)                         \
	{                                                            \
		name, REMAP_OP_##op, args, "", NULL, preferred, step \
	}

const RemapActionRow remap_actions[] = {
	ROW(KEY, "", NULL, "[modifiers-]key", remap_step_key,
	    "Press the key with the modifiers. C-, M-, A-, S- and G- are Control, Meta, Alt, Shift "
	    "and AltGr; a "
	    "shifted name such as ! or A adds Shift."),
	ROW(LAYER, "L", "layer", "layer", remap_step_layer,
	    "Activate the layer while the key is held."),
	ROW(LAYERM, "LM", "layerm", "layer, macro", remap_step_layerm,
	    "Run the macro, then activate the layer while the key is held."),
	ROW(ONESHOT, "Lt", "oneshot", "layer[, timeout]", remap_step_oneshot,
	    "Tapped: activate the layer for the next key. Held: activate it while held. The "
	    "optional timeout "
	    "replaces oneshot_timeout."),
	ROW(ONESHOTM, "LM", "oneshotm", "layer, macro", remap_step_oneshotm,
	    "Run the macro, then do as oneshot(layer)."),
	ROW(ONESHOTK, "LK", "oneshotk", "layer, key", remap_step_oneshotk,
	    "As oneshot(layer), and press the key while the bound key is held."),
	ROW(TOGGLE, "L", "toggle", "layer", remap_step_toggle,
	    "Switch the layer on, or off when it is on."),
	ROW(TOGGLEM, "LM", "togglem", "layer, macro", remap_step_togglem,
	    "Run the macro, then toggle the layer."),
	ROW(SWAP, "L", "swap", "layer", remap_step_swap,
	    "Put the layer in the place of the active layer that holds this binding."),
	ROW(SWAPM, "LM", "swapm", "layer, macro", remap_step_swapm,
	    "Swap as above, then run the macro."),
	ROW(SETLAYOUT, "O", "setlayout", "layout", remap_step_setlayout,
	    "Make the layout the active one; main goes back to none."),
	ROW(CLEAR, "", "clear", "", remap_step_clear,
	    "Switch off toggled and one-shot layers, stop a repeating macro, release what is "
	    "down."),
	ROW(CLEARM, "M", "clearm", "macro", remap_step_clearm,
	    "Clear as above, then run the macro."),
	ROW(OVERLOAD, "LAt", "overload", "layer, action[, timeout]", remap_step_overload,
	    "Activate the layer at once while held; do the action when tapped alone. The optional "
	    "timeout replaces "
	    "overload_tap_timeout: a longer press is no tap."),
	ROW(OVERLOADT, "LAT", "overloadt", "layer, action, timeout", remap_step_hold,
	    "Tapped within the timeout: the action. Held longer: the layer. Other keys wait for "
	    "the decision."),
	ROW(OVERLOADT2, "LAT", "overloadt2", "layer, action, timeout", remap_step_hold,
	    "As overloadt, and a key that is pressed and released meanwhile decides for the "
	    "layer."),
	ROW(OVERLOADH, "LAT", "overloadh", "layer, action, timeout", remap_step_hold,
	    "As overloadt2, and the hands decide: a key of the other hand decides for the layer at "
	    "once, a key of "
	    "the same hand for the action. See left_hand and right_hand."),
	ROW(OVERLOADI, "AAT", "overloadi", "action1, action2, timeout", remap_step_overloadi,
	    "The first action when a plain key was pressed or released less than the timeout ago, "
	    "else the second."),
	ROW(NONE, "LATT", "lettermod", "layer, key, idle, hold", NULL,
	    "Short for overloadi(key, overloadt2(layer, key, hold), idle)."),
	ROW(TIMEOUT, "ATA", "timeout", "action1, timeout, action2", remap_step_timeout,
	    "The first action when released or when another key is pressed within the timeout, "
	    "else the second."),
	ROW(MACRO, "*", "macro", "expression", remap_step_macro,
	    "Type the expression: keys, text, simultaneous keys (a+b) and delays (50ms), parted by "
	    "blanks. It "
	    "repeats while held, see macro_timeout."),
	ROW(MACRO2, "TTM", "macro2", "timeout, repeat, macro", remap_step_macro2,
	    "A macro with its own repeat times; a timeout of 0 means no repeat."),
	ROW(REPEAT, "", "repeat", "", remap_step_repeat, "Do the last key or macro again."),
	ROW(COMMAND, "*", "command", "shell command", remap_step_command,
	    "Run the command with /bin/sh in the user's session."),
	ROW(SCROLL, "N", "scroll", "distance", remap_step_scroll,
	    "Turn mouse motion into wheel ticks while held, one tick for each distance."),
	ROW(SCROLLT, "N", "scrollt", "distance", remap_step_scrollt, "The same, toggled."),
	ROW(SCROLLON, "N", "scrollon", "distance", remap_step_scrollon, "The same, switched on."),
	ROW(SCROLLOFF, "", "scrolloff", "", remap_step_scrolloff, "Switch it off."),
	ROW(TAPDANCE, "+T", "tapdance", "action1, action2, ..., timeout", remap_step_tapdance,
	    "The action of the number of taps; each tap follows within the timeout. Another key "
	    "decides early."),
	ROW(CAPSWORD, "t", "capsword", "[timeout]", remap_step_capsword,
	    "Shift letters and turn - into _ until the word ends: any other key but digits, "
	    "Backspace and Delete, "
	    "or a pause of the timeout (capsword_timeout)."),
	ROW(LEADER, "Qt", "leader", "layer[, timeout]", remap_step_leader,
	    "The keys typed next are looked up as a sequence in a [layer:leader] section; what is "
	    "no sequence is "
	    "typed as it is. The optional timeout replaces leader_timeout."),
	ROW(CHORD, "Att", "chord", "action, timeout[, hold]", NULL,
	    "Only as the value of a chord: its own chord_timeout and chord_hold_timeout."),
	OLD(OVERLOADT, "LAT", "overload2", "overloadt", remap_step_hold),
	OLD(OVERLOADT2, "LAT", "overload3", "overloadt2", remap_step_hold),
	OLD(TOGGLEM, "LM", "toggle2", "togglem", remap_step_togglem),
	OLD(SWAPM, "LM", "swap2", "swapm", remap_step_swapm),
};

const size_t remap_actions_count = sizeof(remap_actions) / sizeof(*remap_actions);

const RemapActionRow *
remap_action_find(const char *name, size_t length)
{
	for (size_t i = 0; i < remap_actions_count; i++) {
		const char *other = remap_actions[i].name;

		if (other && strncmp(other, name, length) == 0 && other[length] == '\0')
			return &remap_actions[i];
	}
	return NULL;
}

const RemapActionRow *
remap_action_row(RemapOp op)
{
	for (size_t i = 0; op != REMAP_OP_NONE && i < remap_actions_count; i++)
		if (remap_actions[i].op == op)
			return &remap_actions[i];
	return NULL;
}
