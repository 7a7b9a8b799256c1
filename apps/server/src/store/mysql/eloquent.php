<?php

// Reads the tables as a Laravel application does, with the models of docs/laravel, and prints what it sees as JSON.
// Arguments: host, port, user, password, database, the folder of the models.
require_once 'Illuminate/Database/autoload.php';

use App\Models\Exchange;
use App\Models\HistoricalData;
use Illuminate\Database\Capsule\Manager;

[, $host, $port, $username, $password, $database, $models] = $argv;
foreach (['Exchange', 'TradingPair', 'HistoricalData'] as $model) {
    require "$models/$model.php";
}
date_default_timezone_set('UTC');
$manager = new Manager();
$manager->addConnection([
    'driver' => 'mysql',
    'host' => $host,
    'port' => $port,
    'username' => $username,
    'password' => $password,
    'database' => $database,
    'charset' => 'utf8mb4',
    'collation' => 'utf8mb4_bin',
    'timezone' => '+00:00',
]);
$manager->bootEloquent();

$pair = Exchange::where('name', 'binance')->firstOrFail()->tradingPairs()->where('symbol', 'BTCUSDT')->firstOrFail();
$candles = $pair->historicalData()->where('timeframe', '1m')->where('open_time', '>=', '2024-01-01 00:01:00')
    ->orderBy('open_time')->get();
echo json_encode([
    'pair' => [$pair->exchange->name, $pair->symbol, $pair->base_currency, $pair->is_active, $pair->min_quantity],
    'candles' => $candles->map(fn (HistoricalData $one) => [
        $one->open_time->getTimestamp(),
        $one->open,
        $one->volume,
        $one->trades_count,
        $one->created_at->toIso8601String(),
        $one->updated_at->toIso8601String(),
    ]),
    'back' => HistoricalData::with('tradingPair.exchange')->findOrFail($candles[0]->id)->tradingPair->exchange->name,
]);
