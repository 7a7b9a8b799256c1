<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;

class HistoricalData extends Model
{
    protected $table = 'historical_data';

    public $incrementing = false;

    // Prices and volumes stay the texts that they are: the exact decimals, for bcmath.
    protected $casts = ['open_time' => 'datetime', 'trades_count' => 'integer'];

    public function tradingPair(): BelongsTo
    {
        return $this->belongsTo(TradingPair::class);
    }
}
