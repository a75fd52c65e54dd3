<?php
// php submit.php KEY TEMPLATE file|url|id NAME-OF-THE-AUDIENCE
declare(strict_types=1);

require __DIR__ . '/campaigns.php';

if ($argc !== 5) {
    fwrite(STDERR, "php submit.php KEY TEMPLATE file|url|id AUDIENCE\n");
    exit(2);
}
[, $key, $template, $way, $audience] = $argv;
$spec = [
    'name' => 'Rappel',
    'template' => $template,
    'key' => $key,
    'audience' => [$way => $way === 'id' ? (int) $audience : $audience],
];
echo submit_campaign(broker(getenv('REDIS_URL') ?: 'redis://127.0.0.1:6379/0'), $spec), "\n";
