<?php
// Reads events as a Laravel application does: php laravel.php HOST PORT EXCHANGE COUNT. Says "ready" once it listens,
// then a line of JSON for each event. A field that is not what it should be ends it with an error.

declare(strict_types=1);

require 'PhpAmqpLib/autoload.php';

use PhpAmqpLib\Connection\AMQPStreamConnection;
use PhpAmqpLib\Message\AMQPMessage;

[, $host, $port, $exchange, $count] = $argv;

// How Carbon reads and prints the times of models.
function laravelTime(string $text): string
{
    $time = DateTimeImmutable::createFromFormat('Y-m-d\TH:i:s.u\Z', $text, new DateTimeZone('UTC'));
    if ($time === false || $time->format('Y-m-d\TH:i:s.u\Z') !== $text) {
        throw new UnexpectedValueException("not a time as Laravel prints it: $text");
    }
    return $time->format('Y-m-d H:i:s.u');
}

// How a decimal:18 cast of a model reads a value.
function decimal(?string $text): ?string
{
    if ($text !== null && preg_match('/^-?\d+(\.\d+)?$/', $text) !== 1) {
        throw new UnexpectedValueException("not a decimal: $text");
    }
    return $text === null ? null : bcadd($text, '0', 18);
}

const TIMES = ['timestamp', 'time', 'close_time', 'from', 'to'];
const DECIMALS = [
    'last', 'bid', 'ask', 'high_24h', 'low_24h', 'open_24h', 'change_24h', 'volume_24h', 'quote_volume_24h',
    'open', 'high', 'low', 'close', 'volume', 'quote_volume',
];

function read(AMQPMessage $message): array
{
    $body = json_decode($message->getBody(), true, flags: JSON_THROW_ON_ERROR);
    if ($body['event'] !== $message->getRoutingKey()) {
        throw new UnexpectedValueException('the event is not its routing key');
    }
    laravelTime($body['timestamp']);
    $data = $body['data'];
    foreach ($data as $name => $value) {
        if (preg_match('/^[a-z0-9]+(_[a-z0-9]+)*$/', $name) !== 1) {
            throw new UnexpectedValueException("not snake case: $name");
        }
        if (in_array($name, TIMES, true)) {
            $data[$name] = laravelTime($value);
        } elseif (in_array($name, DECIMALS, true)) {
            $data[$name] = decimal($value);
        } elseif ($name === 'bids' || $name === 'asks') {
            $data[$name] = array_map(fn (array $level): array => array_map(decimal(...), $level), $value);
        }
    }
    return [
        'event' => $body['event'],
        'id' => $message->get('message_id'),
        'content_type' => $message->get('content_type'),
        'delivery_mode' => $message->get('delivery_mode'),
        'data' => $data,
    ];
}

$connection = new AMQPStreamConnection($host, (int) $port, 'guest', 'guest');
$channel = $connection->channel();
// passive false, durable true, auto-delete false: declared as the sender does, or the broker refuses.
$channel->exchange_declare($exchange, 'topic', false, true, false);
[$queue] = $channel->queue_declare('', false, false, true);
$channel->queue_bind($queue, $exchange, 'crypto.#');

$left = (int) $count;
$channel->basic_consume($queue, '', false, false, true, false, function (AMQPMessage $message) use (&$left): void {
    $message->ack();
    echo json_encode(read($message), JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES), "\n";
    $left--;
});
echo "ready\n";
while ($left > 0) {
    $channel->wait(null, false, 60);
}
$channel->close();
$connection->close();
