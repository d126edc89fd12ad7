<?php
// What PHP makes of System V queues: msg_get_queue, msg_send, msg_receive and their kin.

require __DIR__ . '/../sysv/common.php';

const EIDRM = 43;

/** A queue that no other run uses. */
function own_queue(string $what): SysvMessageQueue
{
	[$key, $file] = own($what);
	unlink($file);
	return msg_get_queue($key, 0600);
}

/** Whether the next message that is asked for is this one. */
function gets(SysvMessageQueue $queue, int $selector, int $type, mixed $value, bool $serialized = true): bool
{
	return msg_receive($queue, $selector, $got, 8192, $message, $serialized, MSG_IPC_NOWAIT)
		&& $got === $type && $message === $value;
}

function carries_values(): bool
{
	$queue = own_queue('values');
	$values = ['text', 42, 1.5, null, true, ['a' => [1, 2], 'b' => 'c'], str_repeat("\0\xff", 2000)];
	$holds = true;
	foreach ($values as $i => $value) {
		$holds = $holds && msg_send($queue, $i + 1, $value);
	}
	foreach ($values as $i => $value) {
		$holds = $holds && gets($queue, 0, $i + 1, $value);
	}
	return msg_remove_queue($queue) && $holds;
}

function receives_by_type(): bool
{
	$queue = own_queue('types');
	foreach ([4, 2, 3, 2] as $type) {
		msg_send($queue, $type, "type $type", false);
	}
	$holds = gets($queue, 3, 3, 'type 3', false) && gets($queue, -3, 2, 'type 2', false)
		&& gets($queue, 0, 4, 'type 4', false) && !gets($queue, 4, 4, 'type 4', false)
		&& msg_receive($queue, 9, $type, 100, $message, false, MSG_IPC_NOWAIT | MSG_EXCEPT) && $type === 2;
	$nothing = !msg_receive($queue, 0, $type, 100, $message, false, MSG_IPC_NOWAIT, $error) && $error === MSG_ENOMSG;
	return msg_remove_queue($queue) && $holds && $nothing;
}

function tells_what_it_holds(): bool
{
	$queue = own_queue('status');
	$before = msg_stat_queue($queue);
	msg_send($queue, 1, 'ten bytes.', false);
	msg_send($queue, 1, 'x', false);
	gets($queue, 0, 1, 'ten bytes.', false);
	$after = msg_stat_queue($queue);
	$holds = $before['msg_qnum'] === 0 && $before['msg_lspid'] === 0 && ($before['msg_perm.mode'] & 0777) === 0600
		&& $after['msg_qnum'] === 1 && $after['msg_lspid'] === getmypid() && $after['msg_lrpid'] === getmypid()
		&& $after['msg_stime'] > 0 && $after['msg_rtime'] > 0;
	$set = msg_set_queue($queue, ['msg_perm.mode' => 0640, 'msg_qbytes' => 100]);
	$now = msg_stat_queue($queue);
	return msg_remove_queue($queue) && $holds && $set && $now['msg_qbytes'] === 100
		&& ($now['msg_perm.mode'] & 0777) === 0640;
}

function is_full_at_its_limit(): bool
{
	$queue = own_queue('limit');
	msg_set_queue($queue, ['msg_qbytes' => 100]);
	$first = msg_send($queue, 1, str_repeat('x', 60), false);
	$full = !msg_send($queue, 1, str_repeat('x', 60), false, false, $error) && $error === MSG_EAGAIN;
	$sender = child(fn() => msg_send($queue, 2, str_repeat('y', 60), false));
	$asleep = soon(fn() => sleeps($sender));
	$holds = gets($queue, 1, 1, str_repeat('x', 60), false) && ended_well($sender)
		&& gets($queue, 0, 2, str_repeat('y', 60), false);
	return msg_remove_queue($queue) && $first && $full && $asleep && $holds;
}

function cuts_what_does_not_fit(): bool
{
	$queue = own_queue('cut');
	msg_send($queue, 1, 'longer than four', false);
	$refused = !msg_receive($queue, 0, $type, 4, $message, false, MSG_IPC_NOWAIT);
	$cut = msg_receive($queue, 0, $type, 4, $message, false, MSG_IPC_NOWAIT | MSG_NOERROR) && $message === 'long';
	return msg_remove_queue($queue) && $refused && $cut;
}

function answers_children_by_pid(): bool
{
	$queue = own_queue('pid');
	$children = [];
	for ($i = 0; $i < 4; $i++) {
		$children[] = child(function () use ($queue) {
			for ($n = 1; $n <= 100; $n++) {
				msg_send($queue, 1, [getmypid(), $n]);
				if (!msg_receive($queue, getmypid(), $type, 100, $answer) || $answer !== 2 * $n) {
					return false;
				}
			}
			return true;
		});
	}
	for ($i = 0; $i < 400; $i++) {
		msg_receive($queue, 1, $type, 100, $question);
		msg_send($queue, $question[0], 2 * $question[1]);
	}
	$well = array_map('ended_well', $children);
	$empty = msg_stat_queue($queue)['msg_qnum'] === 0;
	return msg_remove_queue($queue) && !in_array(false, $well, true) && $empty;
}

function is_found_by_its_key(): bool
{
	[$key, $file] = own('key');
	$absent = !msg_queue_exists($key);
	$queue = msg_get_queue($key, 0600);
	$found = msg_queue_exists($key) && ended_well(child(fn() => msg_send(msg_get_queue($key), 5, 'by key')));
	$holds = gets($queue, 5, 5, 'by key');
	unlink($file);
	return msg_remove_queue($queue) && $absent && $found && $holds && !msg_queue_exists($key);
}

function wakes_sleepers_when_it_is_removed(): bool
{
	$queue = own_queue('remove');
	$sleeper = child(fn() => !msg_receive($queue, 0, $type, 100, $message, true, 0, $error) && $error === EIDRM);
	$asleep = soon(fn() => sleeps($sleeper));
	return $asleep && msg_remove_queue($queue) && ended_well($sleeper) && !msg_send($queue, 1, 'x')
		&& !msg_remove_queue($queue);
}

foreach (['carries_values', 'receives_by_type', 'tells_what_it_holds', 'is_full_at_its_limit', 'cuts_what_does_not_fit',
	'answers_children_by_pid', 'is_found_by_its_key', 'wakes_sleepers_when_it_is_removed'] as $test) {
	report($test, $test());
}
