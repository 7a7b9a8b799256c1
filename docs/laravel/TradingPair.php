<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Eloquent\Relations\BelongsTo;
use Illuminate\Database\Eloquent\Relations\HasMany;

class TradingPair extends Model
{
    protected $casts = ['is_active' => 'boolean'];

    public function exchange(): BelongsTo
    {
        return $this->belongsTo(Exchange::class);
    }

    public function historicalData(): HasMany
    {
        return $this->hasMany(HistoricalData::class);
    }
}
