// SPDX-License-Identifier: GPL-3.0-or-later
/* What an action may do while the screen is locked.
 * Pure. */
#include "keys/helper/frames.h"

RemapAction
remap_safe_action(RemapAction action)
{
	switch ((RemapOp)action.op) {
	case REMAP_OP_MACRO:
	case REMAP_OP_MACRO2:
	case REMAP_OP_REPEAT:
	case REMAP_OP_COMMAND:
		return (RemapAction){ .op = REMAP_OP_KEY, .code = REMAP_KEY_NOOP };
	case REMAP_OP_LAYERM:
		action.op = REMAP_OP_LAYER;
		break;
	case REMAP_OP_ONESHOTM:
		action.op = REMAP_OP_ONESHOT;
		action.a = REMAP_UNSET;
		break;
	case REMAP_OP_TOGGLEM:
		action.op = REMAP_OP_TOGGLE;
		break;
	case REMAP_OP_SWAPM:
		action.op = REMAP_OP_SWAP;
		break;
	case REMAP_OP_CLEARM:
		action.op = REMAP_OP_CLEAR;
		break;
	case REMAP_OP_NONE:
	case REMAP_OP_KEY:
	case REMAP_OP_LAYER:
	case REMAP_OP_ONESHOT:
	case REMAP_OP_ONESHOTK:
	case REMAP_OP_TOGGLE:
	case REMAP_OP_SWAP:
	case REMAP_OP_SETLAYOUT:
	case REMAP_OP_CLEAR:
	case REMAP_OP_OVERLOAD:
	case REMAP_OP_OVERLOADT:
	case REMAP_OP_OVERLOADT2:
	case REMAP_OP_OVERLOADH:
	case REMAP_OP_OVERLOADI:
	case REMAP_OP_TIMEOUT:
	case REMAP_OP_SCROLL:
	case REMAP_OP_SCROLLT:
	case REMAP_OP_SCROLLON:
	case REMAP_OP_SCROLLOFF:
	case REMAP_OP_TAPDANCE:
	case REMAP_OP_CAPSWORD:
	case REMAP_OP_LEADER:
	case REMAP_OP_CHORD:
	case REMAP_OPS:
		break;
	}
	return action;
}
