<?php
// Campaigns from PHP, by the broker: Celery's message protocol 2, which is one JSON document pushed to a Redis list.
declare(strict_types=1);

const QUEUE = 'campaigns';

/** A connection to the broker that REDIS_URL names: redis://:password@host:6379/0 */
function broker(string $url): Redis
{
    $parts = parse_url($url);
    $redis = new Redis();
    $host = ($parts['scheme'] === 'rediss' ? 'tls://' : '') . $parts['host'];
    $redis->connect($host, $parts['port'] ?? 6379, 5.0);
    if (isset($parts['pass'])) {
        $user = urldecode($parts['user'] ?? '');
        $password = urldecode($parts['pass']);
        $redis->auth($user === '' ? $password : [$user, $password]);
    }
    $redis->select((int) ltrim($parts['path'] ?? '/0', '/'));
    return $redis;
}

/**
 * Have a campaign made. The spec names its audience (`file`, `url` or `id`): a number never travels by task.
 *
 * Returns the task's id. That the broker has it is all that is known then: what became of it is found by the spec's
 * key. Throws RedisException where the broker is away; with a key, the same submission is right to come again.
 */
function submit_campaign(Redis $broker, array $spec): string
{
    $id = uuid();
    $empty = new stdClass(); // [] would be a list
    $body = json([[$spec], $empty, ['callbacks' => null, 'errbacks' => null, 'chain' => null, 'chord' => null]]);
    $message = [
        'body' => base64_encode($body),
        'content-encoding' => 'utf-8',
        'content-type' => 'application/json',
        'headers' => ['lang' => 'php', 'task' => 'campaigns.submit', 'id' => $id, 'root_id' => $id,
                      'parent_id' => null, 'group' => null, 'retries' => 0, 'eta' => null, 'expires' => null],
        'properties' => ['correlation_id' => $id, 'delivery_tag' => uuid(), 'delivery_mode' => 2, 'priority' => 0,
                         'body_encoding' => 'base64', 'delivery_info' => ['exchange' => '', 'routing_key' => QUEUE]],
    ];
    if ($broker->lPush(QUEUE, json($message)) === false) {
        throw new RedisException('the broker did not take it: ' . $broker->getLastError());
    }
    return $id;
}

function json(mixed $value): string
{
    return json_encode($value, JSON_THROW_ON_ERROR | JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
}

function uuid(): string
{
    $hex = bin2hex(random_bytes(16));
    $hex[12] = '4';
    $hex[16] = dechex(hexdec($hex[16]) & 0x3 | 0x8);
    return implode('-', [substr($hex, 0, 8), substr($hex, 8, 4), substr($hex, 12, 4), substr($hex, 16, 4), substr($hex, 20)]);
}
